package code

import (
	"path"
	"strings"

	"github.com/tiercel/tiercel/audit/expr"
	"github.com/tiercel/tiercel/audit/finding"
)

// specials are the checks of operands that a program has of its own.
var specials = map[string]func(*viewer, *command){
	"systemctl":     (*viewer).systemctl,
	"service":       (*viewer).service,
	"apt":           (*viewer).apt,
	"apt-get":       (*viewer).apt,
	"yum":           (*viewer).otherPackages,
	"dnf":           (*viewer).otherPackages,
	"apk":           (*viewer).otherPackages,
	"pip":           (*viewer).pip,
	"pip3":          (*viewer).pip,
	"sysctl":        (*viewer).sysctl,
	"kill":          (*viewer).kill,
	"strace":        (*viewer).pid,
	"gdb":           (*viewer).pid,
	"gcore":         (*viewer).kill,
	"lsof":          (*viewer).pid,
	"ps":            (*viewer).pid,
	"pmap":          (*viewer).kill,
	"journalctl":    (*viewer).journalctl,
	"auditctl":      (*viewer).auditctl,
	"iptables":      (*viewer).iptables,
	"ip6tables":     (*viewer).iptables,
	"ufw":           (*viewer).ufw,
	"chmod":         (*viewer).chmod,
	"crontab":       (*viewer).crontab,
	"pkill":         (*viewer).terminal,
	"pgrep":         (*viewer).terminal,
	"iptables-save": (*viewer).save,
	"modprobe":      (*viewer).module,
	"rmmod":         (*viewer).module,
	"falco":         (*viewer).falco,
	"docker":        (*viewer).docker,
	"kubectl":       (*viewer).kubectl,
	"crictl":        (*viewer).window,
	"podman":        (*viewer).window,
	"ausearch":      (*viewer).ausearch,
	"chattr":        (*viewer).chattr,
	"echo":          (*viewer).echo,
	"printf":        (*viewer).echo,
	"sh":            (*viewer).piped,
	"bash":          (*viewer).piped,
	"python":        (*viewer).piped,
	"python3":       (*viewer).piped,
}

func (v *viewer) split(c *command) *parsed {
	return split(c.args(), v.takes(v.cat.Program(c.name()), v.cat.Options(c.name())), false)
}

func (v *viewer) auditctl(c *command) {
	args := c.args()
	if len(args) == 0 || args[0].dynamic {
		return
	}
	rule := false
	for _, w := range args {
		switch w.text {
		case "-a", "-A", "-w", "-d", "-W":
			rule = true
		}
	}
	if rule {
		words := make([]string, 0, len(args))
		for _, w := range args {
			if w.dynamic || w.placeholder {
				return
			}
			words = append(words, w.text)
		}
		if i := v.auditRule(words); i != nil {
			v.say(*i)
		} else {
			v.good("man-audit.rules-7")
		}
	}
}

var mode = expr.New(`^(?:[-+=]?[0-7]{1,5}|[ugoa]*[-+=][rwxXstugo]*(?:[-+=][rwxXstugo]*)*(?:,[ugoa]*(?:[-+=][rwxXstugo]*)+)*)$`)

func (v *viewer) chmod(c *command) {
	args := c.args()
	if len(args) == 0 {
		return
	}
	var operands []word
	for _, w := range args {
		if strings.HasPrefix(w.text, "--reference") {
			return
		}
		if !strings.HasPrefix(w.text, "-") || mode.MatchString(w.text) && !regexpOf(`^-[Rcfv]+$`).MatchString(w.text) {
			operands = append(operands, w)
		}
	}
	if len(operands) == 0 || operands[0].dynamic || operands[0].placeholder {
		return
	}
	if !mode.MatchString(operands[0].text) {
		v.broken(src("man-chmod-1"), "", "{} is no mode for chmod.", operands[0].text)
		return
	}
	if len(operands) < 2 && !c.nested {
		v.needs(src("man-chmod-1"), "chmod needs a file.")
	}
}

func (v *viewer) crontab(c *command) {
	for _, w := range c.args() {
		if w.text == "*" || strings.HasPrefix(w.text, "*/") || strings.Contains(w.text, "* *") {
			v.broken(src("man-crontab-1"), "", "crontab takes a file, not the line of a job.")
			return
		}
	}
}

func (v *viewer) module(c *command) {
	args := v.split(c)
	for _, w := range args.operands {
		if w.dynamic || w.placeholder || strings.Contains(w.text, "=") || strings.Contains(w.text, "/") {
			continue
		}
		switch {
		case v.cat.Module(w.text):
			v.good("debian-index")
		case v.cat.Syscall(w.text):
			v.broken(src("catalogue-syscalls"), "", "{} is a system call, not a kernel module.", w.text)
		default:
			v.unchecked("The kernel module {} is in no catalogue.", w.text)
		}
		if c.name() == "modprobe" {
			return
		}
	}
}

func (v *viewer) falco(c *command) {
	args := v.split(c)
	for _, w := range args.operands {
		if w.dynamic || w.placeholder {
			continue
		}
		switch w.text {
		case "start", "stop", "restart", "reload", "status", "enable", "disable":
			v.broken(src("falco-source"), "systemctl "+w.text+" falco", "falco takes no {}: it is a daemon that systemd starts and stops.", w.text)
		default:
			v.broken(src("falco-source"), "", "falco takes options only; {} is none.", w.text)
		}
		return
	}
}

var trusted = expr.New(`https?://(?:[\w.-]+\.)?(?:falco\.org|docker\.com|helm\.sh|sh\.rustup\.rs|k3s\.io|tailscale\.com|nodesource\.com|wazuh\.com|elastic\.co|grafana\.com|hashicorp\.com|kubernetes\.io|k8s\.io|k3d\.io|sysdig\.com|raw\.githubusercontent\.com/(?:falcosecurity|helm|aquasecurity|anchore|sigstore|kubernetes|docker|opencontainers)/)`)

// piped sees what was just fetched from the network run by a shell.
func (v *viewer) piped(c *command) {
	from := c.before
	if from == nil || len(c.args()) > 0 && !strings.HasPrefix(c.args()[0].text, "-") {
		return
	}
	words := from.words
	if len(words) > 0 && words[0].text == "sudo" {
		words = words[1:]
	}
	if len(words) == 0 {
		return
	}
	switch path.Base(words[0].text) {
	case "curl", "wget":
		if !trusted.MatchString(from.plain()) {
			v.say(issue{finding.Harmful, say("It runs whatever that address sends, unread and with the rights of this shell."), src("curl-pipe"), "Download it, read it, compare its checksum, then run it."})
		}
	}
}

var securityOption = expr.New(`^(?:no-new-privileges(?:[:=](?:true|false))?|(?:seccomp|apparmor|label|systempaths|credentialspec|proc-opts|unmask|mask)[=:].+|label:.+)$`)

func (v *viewer) docker(c *command) {
	v.window(c)
	args := c.args()
	for i, w := range args {
		value, ok := strings.CutPrefix(w.text, "--security-opt=")
		if w.text == "--security-opt" && i+1 < len(args) {
			value, ok, w = args[i+1].text, true, args[i+1]
		}
		if ok && !w.dynamic && !w.placeholder && !securityOption.MatchString(value) {
			v.broken(src("docker-docs"), "", "Docker has no security option {}.", value)
			return
		}
	}
}

// notResources are words that are taken for resources of Kubernetes.
var notResources = words("container containers process processes image images log logs alert alerts syscall syscalls audit auditlog auditlogs audit-logs volume volumes port ports rbac capability capabilities  securitycontext securitycontexts command commands file files user-sessions sessions history")

// namespace sees a namespace that is not the one of the pod of the alert.
func (v *viewer) namespace(c *command) {
	pod, ns := v.b.Facts["k8s.pod.name"], v.b.Facts["k8s.ns.name"]
	if pod == "" || ns == "" {
		return
	}
	given, named := "", false
	args := c.args()
	for i, w := range args {
		if w.text == "--" {
			break
		}
		if value, ok := strings.CutPrefix(w.text, "--namespace="); ok {
			given = value
		} else if (w.text == "-n" || w.text == "--namespace") && i+1 < len(args) && !args[i+1].placeholder && !args[i+1].dynamic {
			given = args[i+1].text
		}
		named = named || w.text == pod || strings.HasSuffix(w.text, "/"+pod)
	}
	if named && given != "" && given != ns {
		v.broken(src("falco-fields"), ns, "The pod {} is in the namespace {}, not in {}.", pod, ns, given)
	}
}

func (v *viewer) kubectl(c *command) {
	v.window(c)
	v.namespace(c)
	args := split(c.args(), v.takes(v.cat.Program("kubectl"), v.cat.Command("kubectl"), v.cat.Command("kubectl *"), v.cat.Command("kubectl get")), false)
	if len(args.operands) < 2 || args.operands[1].dynamic || args.operands[1].placeholder {
		return
	}
	verb, what := args.operands[0].text, args.operands[1].text
	switch verb {
	case "get", "delete", "describe", "edit", "label", "annotate", "patch":
		name, _, _ := strings.Cut(what, "/")
		if !notResources[name] && plainKind.MatchString(name) && !v.kind(name) {
			v.say(issue{finding.Unsupported, say("Kubernetes has no kind {} of its own; nothing shows that this cluster has an extension of that name.", name), src("kubernetes-api"), ""})
		}
		if notResources[name] {
			v.broken(src("kubernetes-api"), "", "Kubernetes has no resource {}: pods have containers, nodes have images and volumes, and logs, files and processes are in none of its objects.", name)
		}
	case "apply":
		if !v.cat.Command("kubectl apply").Commands[what] && !args.has("-f", "--filename", "-k", "--kustomize") {
			v.broken(src("catalogue-help"), "", "kubectl apply takes a file, with -f; {} is none.", what)
		}
	case "create":
		if !v.cat.Command("kubectl create").Commands[what] && !created[what] && !args.has("-f", "--filename", "-k", "--kustomize", "--raw") {
			v.broken(src("catalogue-help"), "", "kubectl create cannot make a {} without a file.", what)
		}
	}
}

var plainKind = expr.New(`^[a-z]+$`)

// shortKinds are short names, and kinds that the list of types does not have.
var shortKinds = words("po pod pods svc deploy ds rs sts ns no cm sa pv pvc ep ing netpol hpa pdb cj crd crds quota limits sc pc csr rc ev events event all ev cs componentstatuses apiservices apiservice customresourcedefinition customresourcedefinitions metrics nodemetrics podmetrics bindings tokenreviews selfsubjectaccessreviews vap vapb podsecuritypolicies psp")

// kind reports whether Kubernetes has a kind of that name, in any of its forms.
func (v *viewer) kind(name string) bool {
	name = strings.ToLower(name)
	if shortKinds[name] {
		return true
	}
	for object := range v.cat.Shapes("kubernetes.txt").Objects {
		_, k, _ := strings.Cut(object, " ")
		k = strings.ToLower(k)
		if name == k || name == k+"s" || name == k+"es" || name == strings.TrimSuffix(k, "y")+"ies" {
			return true
		}
	}
	return false
}

// created are short names of what kubectl create makes.
var created = words("cm ns sa svc deploy dep quota pdb pc cj ing")

func (v *viewer) ausearch(c *command) {
	v.window(c)
	args := v.split(c)
	for _, option := range []string{"-sc", "--syscall"} {
		if call, ok := args.values[option]; ok && !digits.MatchString(call) && !isPlaceholder(call) && !v.cat.Syscall(call) && !strings.ContainsAny(call, "$<") {
			v.broken(src("catalogue-syscalls"), "", "There is no system call {}.", call)
		}
	}
}

var attributes = expr.New(`^[-+=][aAcCdDeEFiIjmNPsStTuxVX]*$`)

func (v *viewer) chattr(c *command) {
	for _, w := range c.args() {
		if w.text != "" && strings.ContainsRune("+=", rune(w.text[0])) && !w.dynamic && !attributes.MatchString(w.text) {
			v.broken(src("man-chattr-1"), "", "chattr has no attributes {}.", w.text)
			return
		}
	}
}

// echo holds what is written into a file of configuration against its format.
func (v *viewer) echo(c *command) {
	target := writtenTo(c)
	if target == "" || v.depth > 2 {
		return
	}
	var text []string
	for _, w := range c.args() {
		if w.dynamic || w.placeholder {
			return
		}
		if !strings.HasPrefix(w.text, "-e") && w.text != "-n" {
			text = append(text, w.text)
		}
	}
	content := strings.ReplaceAll(strings.Join(text, " "), `\n`, "\n")
	inner := &check{Checker: v.Checker, depth: v.depth + 1, b: Block{Text: content, Intro: v.b.Intro, Facts: v.b.Facts}, text: content}
	form := inner.formOfPath(target)
	switch form {
	case "sysctl", "audit", "sshd", "sudoers", "auditd", "journald":
	default:
		return
	}
	inner.config(form)
	for _, f := range inner.found {
		if f.Judgement.Bad() {
			ids := make([]string, 0, len(f.Reason.Evidence))
			for _, e := range f.Reason.Evidence {
				ids = append(ids, e.Ref)
			}
			v.say(issue{f.Judgement, f.Reason.Spans, ids, f.Suggestion})
			if form == "sysctl" && f.Judgement == finding.Broken {
				v.badKey, _, _ = strings.Cut(strings.TrimSpace(content[f.Start:f.End]), "=")
			}
		}
	}
}
