package incident

import (
	"crypto/sha256"
	"encoding/binary"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/tiercel/tiercel/alert"
	"github.com/tiercel/tiercel/analysis"
	"github.com/tiercel/tiercel/condition"
)

// LinkKind is what two alerts may have in common that puts them together; the
// lower, the more telling.
type LinkKind uint8

// The kinds of link.
const (
	LinkProcess   LinkKind = iota // one's process is the other's, or its parent
	LinkSession                   // the same session of processes
	LinkTerminal                  // the same login on the same terminal
	LinkContainer                 // the same container
	LinkPod                       // the same pod
	LinkTest                      // the same run of a test tool
	LinkFile                      // a file in a directory that everybody may write to
	LinkRemote                    // the same public address
	LinkLogin                     // the same login
	LinkService                   // below the same service
	LinkAccount                   // the same account of a service or of a cloud
	LinkParent                    // without a login, the same parent at the same time
)

// gaps say how far apart two alerts may be that such a link holds together;
// docs/triage.md gives the reasons.
var gaps = [...]time.Duration{
	LinkProcess: 10 * time.Minute, LinkSession: time.Hour, LinkTerminal: 30 * time.Minute,
	LinkContainer: 10 * time.Minute, LinkPod: 10 * time.Minute, LinkTest: 5 * time.Minute,
	LinkFile: 30 * time.Minute, LinkRemote: time.Hour, LinkLogin: 10 * time.Minute,
	LinkService: 5 * time.Minute, LinkAccount: 5 * time.Minute, LinkParent: time.Minute,
}

// Link is one thing that an alert may share with others.
type Link struct {
	Key    uint64 // of kind and values, the same in every run
	Kind   LinkKind
	Fields []string // of the alert: what it rests on
}

// The fields that links rest on, made once.
var (
	inContainer  = []string{"hostname", "container.id"}
	inPod        = []string{"k8s.ns.name", "k8s.pod.name"}
	onTerminal   = []string{"hostname", "user.loginuid", "proc.tty"}
	byLogin      = []string{"hostname", "user.loginuid"}
	byUser       = []string{"hostname", "user.name"}
	byParent     = []string{"hostname", "user.name", "proc.pname"}
	userTerminal = []string{"hostname", "user.name", "proc.tty"}
)

// Linker finds the links of alerts. It may be used by several goroutines.
type Linker struct {
	services, prefixes, starters, runtimes map[string]bool
	open                                   []string // directories that everybody may write to
}

// NewLinker takes the names of services and the like from the definitions of
// the knowledge.
func NewLinker(defs *condition.Definitions) *Linker {
	set := func(names ...string) map[string]bool {
		out := map[string]bool{}
		for _, name := range names {
			for _, item := range defs.Lists[name] {
				out[item] = true
			}
		}
		return out
	}
	return &Linker{services: set("web_servers", "databases"), prefixes: set("web_server_beginnings"),
		starters: set("starters"), runtimes: set("runtimes", "container_starters"), open: defs.Lists["open_directories"]}
}

// Links are what an alert may share with others, apart from its process ids.
// A link that ordinary work shares with anybody needs an alert that ordinary
// work does not explain.
func (l *Linker) Links(a *alert.Alert, class analysis.Class) []Link {
	if a.Source == "internal" {
		return nil
	}
	f := facts{a: a}
	f.container = f.get("container.id")
	f.login = f.login64()
	if !ofHost(a) {
		f.cloud()
		return f.links
	}
	if class == analysis.Test {
		f.add(LinkTest, inContainer, f.host(), f.container)
	}
	if f.container != "" && f.container != "host" {
		f.add(LinkContainer, inContainer, f.host(), f.container)
	}
	if ns, pod := f.get("k8s.ns.name"), f.get("k8s.pod.name"); ns != "" && pod != "" {
		f.add(LinkPod, inPod, ns, pod)
	}
	tty := f.get("proc.tty")
	if tty == "0" {
		tty = ""
	}
	if f.login != "" {
		if tty != "" {
			f.add(LinkTerminal, onTerminal, f.host(), f.login, tty)
		}
		f.add(LinkLogin, byLogin, f.host(), f.login)
	} else if f.container == "host" {
		l.withoutLogin(&f, tty, class)
	}
	if class >= analysis.Unknown {
		l.files(&f)
	}
	if class >= analysis.Suspicious {
		remotes(&f)
	}
	return f.links
}

// withoutLogin links what daemons do: nobody logged in for it.
func (l *Linker) withoutLogin(f *facts, tty string, class analysis.Class) {
	user, uid := f.get("user.name"), f.get("user.uid")
	root := user == "root" || uid == "0" || user == ""
	if tty != "" {
		f.add(LinkTerminal, userTerminal, f.host(), user, tty)
	}
	if !root {
		f.add(LinkAccount, byUser, f.host(), user)
	}
	field, service := l.service(f)
	switch parent := f.get("proc.pname"); {
	case service != "":
		f.add(LinkService, []string{"hostname", field}, f.host(), service)
	case root && tty == "" && parent != "" && !l.starters[parent] && !l.runtimes[parent] && class >= analysis.Unknown:
		f.add(LinkParent, byParent, f.host(), user, parent)
	}
}

// ancestry is where the names of a process and those above it stand, the top
// first.
var ancestry = []string{"proc.aname[7]", "proc.aname[6]", "proc.aname[5]", "proc.aname[4]", "proc.aname[3]", "proc.aname[2]", "proc.pname", "proc.name"}

// service finds the top-most known service above a process.
func (l *Linker) service(f *facts) (field, name string) {
	for _, field := range ancestry {
		name := f.get(field)
		if name == "" {
			continue
		}
		if l.services[name] {
			return field, name
		}
		for prefix := range l.prefixes {
			if strings.HasPrefix(name, prefix) {
				return field, prefix
			}
		}
	}
	return "", ""
}

// files links by files in directories that everybody may write to: there
// attackers put what they run next.
func (l *Linker) files(f *facts) {
	seen := map[string]bool{}
	note := func(field, path string) {
		if path = strings.TrimRight(strings.TrimLeft(path, `"'<>=@`), `"';,)`); seen[path] || len(seen) >= 4 || !l.isOpen(path) {
			return
		}
		seen[path] = true
		f.add(LinkFile, []string{"hostname", "container.id", field}, f.host(), f.container, path)
	}
	note("proc.exepath", f.get("proc.exepath"))
	note("fd.name", f.get("fd.name"))
	for _, word := range strings.Fields(f.get("proc.cmdline")) {
		note("proc.cmdline", word)
	}
}

// isOpen reports whether a path names something inside an open directory.
func (l *Linker) isOpen(path string) bool {
	for _, dir := range l.open {
		if rest, ok := strings.CutPrefix(path, dir+"/"); ok && len(rest) > 1 && !strings.ContainsAny(rest, "*?$") {
			return true
		}
	}
	return false
}

// remotes links by public addresses at the other end.
func remotes(f *facts) {
	seen := map[netip.Addr]bool{}
	note := func(field, text string) {
		ip, err := netip.ParseAddr(text)
		if err != nil || len(seen) >= 4 || seen[ip] || !ip.IsGlobalUnicast() || ip.IsPrivate() {
			return
		}
		seen[ip] = true
		f.add(LinkRemote, []string{field}, ip.String())
	}
	note("fd.rip", f.get("fd.rip"))
	if _, server, ok := strings.Cut(f.get("fd.name"), "->"); ok {
		if at := strings.LastIndexByte(server, ':'); at > 0 {
			note("fd.name", server[:at])
		}
	}
	for _, word := range strings.FieldsFunc(f.get("proc.cmdline"), func(r rune) bool { return r != '.' && (r < '0' || r > '9') }) {
		if strings.Count(word, ".") == 3 {
			note("proc.cmdline", word)
		}
	}
}

// ofHost reports whether the event took place on the host that the alert names.
func ofHost(a *alert.Alert) bool {
	return a.Source == "" || a.Source == "syscall" || a.Source == "syscalls"
}

// facts reads an alert and collects its links.
type facts struct {
	a                *alert.Alert
	container, login string
	links            []Link
}

func (f *facts) get(name string) string {
	v, ok := f.a.Get(name)
	if !ok || !v.Value.Known() {
		return ""
	}
	return v.Value.Text
}

func (f *facts) host() string { return f.a.Hostname }

// login64 is the login id, "" for none.
func (f *facts) login64() string {
	uid := f.get("user.loginuid")
	if uid == "-1" || uid == "4294967295" {
		return ""
	}
	return uid
}

// cloud links alerts of audit logs by account, and those of Kubernetes by pod.
func (f *facts) cloud() {
	ns := f.get("ka.target.namespace")
	for _, name := range []string{"ka.target.pod.name", "ka.target.name"} {
		if pod := f.get(name); ns != "" && pod != "" {
			f.add(LinkPod, []string{"ka.target.namespace", name}, ns, pod)
			break
		}
	}
	for _, name := range []string{"ka.user.name", "ct.user", "okta.actor.alternateID", "github.user", "gcp.user"} {
		if user := f.get(name); user != "" {
			f.add(LinkAccount, []string{name}, f.a.Source, user)
			return
		}
	}
}

// add makes a link of the fields that the alert really has.
func (f *facts) add(kind LinkKind, fields []string, values ...string) {
	missing := func(name string) bool { _, ok := f.a.Get(name); return !ok }
	if slices.ContainsFunc(fields, missing) {
		fields = slices.DeleteFunc(slices.Clone(fields), missing)
	}
	f.links = append(f.links, Link{Key: keyOf(kind, values...), Kind: kind, Fields: fields})
}

func keyOf(kind LinkKind, values ...string) uint64 {
	text := append(make([]byte, 0, 128), byte(kind))
	for _, v := range values {
		text = binary.AppendUvarint(text, uint64(len(v)))
		text = append(text, v...)
	}
	sum := sha256.Sum256(text)
	return binary.LittleEndian.Uint64(sum[:])
}

// Processes adds the links by process ids, which differ from alert to alert;
// without any it returns links as they are. An alert that names a daemon as
// its parent does not share that parent with the daemon's other children.
func (l *Linker) Processes(a *alert.Alert, links []Link) []Link {
	if !ofHost(a) {
		return links
	}
	shared := links
	for i := range a.Fields {
		name := a.Fields[i].Name
		if len(name) > 9 || !strings.HasPrefix(name, "proc.") {
			continue
		}
		id := a.Fields[i].Value.Text
		if id == "" || id == "0" || id == "1" || id == "-1" || a.Fields[i].Value.Kind != alert.Int {
			continue
		}
		switch name {
		case "proc.pid":
			links = appended(shared, links, Link{keyOf(LinkProcess, a.Hostname, id), LinkProcess, []string{"hostname", name}})
		case "proc.ppid":
			if parent, _ := a.Get("proc.pname"); !l.starters[parent.Value.Text] && !l.runtimes[parent.Value.Text] {
				links = appended(shared, links, Link{keyOf(LinkProcess, a.Hostname, id), LinkProcess, []string{"hostname", name}})
			}
		case "proc.sid":
			links = appended(shared, links, Link{keyOf(LinkSession, a.Hostname, id), LinkSession, []string{"hostname", name}})
		}
	}
	return links
}

// appended keeps hands off the links that all alerts of a shape share.
func appended(shared, links []Link, l Link) []Link {
	if len(links) == len(shared) {
		links = shared[:len(shared):len(shared)]
	}
	return append(links, l)
}
