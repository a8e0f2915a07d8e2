package catalogue

import (
	"strings"
)

// list returns the text of a machine-made file.
func (c *Catalogue) list(name string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	text, ok := c.lists[name]
	if !ok {
		var err error
		if text, err = c.read("made/" + name); err != nil {
			panic(err) // as in Builtin
		}
		c.lists[name] = text
	}
	return text
}

// lookup finds the line of a sorted list that begins with name and returns
// what stands behind it.
func (c *Catalogue) lookup(file, name string) (rest string, ok bool) {
	if name == "" || strings.ContainsAny(name, " \n\t") {
		return "", false
	}
	text := c.list(file)
	low, high := 0, len(text)
	for low < high {
		middle := low + (high-low)/2
		start := strings.LastIndexByte(text[:middle], '\n') + 1
		end := start + strings.IndexByte(text[start:], '\n')
		line := text[start:end]
		key, value, _ := strings.Cut(line, " ")
		switch {
		case line != "" && line[0] == '#' || key < name:
			low = end + 1
		case key > name:
			high = start
		default:
			return value, true
		}
	}
	return "", false
}

// Words returns a machine-made list as a set. It must not be changed.
func (c *Catalogue) Words(file string) map[string]bool {
	text := c.list(file)
	c.mu.Lock()
	defer c.mu.Unlock()
	set, ok := c.sets[file]
	if !ok {
		set = map[string]bool{}
		for _, line := range strings.Split(text, "\n") {
			if line != "" && line[0] != '#' {
				set[line] = true
			}
		}
		c.sets[file] = set
	}
	return set
}

// DebianPackage reports whether Debian 12 main has a package.
func (c *Catalogue) DebianPackage(name string) bool {
	_, ok := c.lookup("debian12-packages.txt.gz", name)
	return ok
}

// DebianVirtual reports whether a package of Debian 12 main provides a name.
func (c *Catalogue) DebianVirtual(name string) bool {
	_, ok := c.lookup("debian12-virtual.txt.gz", name)
	return ok
}

// DebianProgram returns the package of Debian 12 main that has a program in a
// folder of PATH, "" when none has.
func (c *Catalogue) DebianProgram(name string) string {
	pkg, _ := c.lookup("debian12-programs.txt.gz", name)
	return pkg
}

// DebianUnit returns the package of Debian 12 main that has a systemd unit or
// an init script, "" when none has. name has its suffix (.service).
func (c *Catalogue) DebianUnit(name string) string {
	pkg, _ := c.lookup("debian12-units.txt.gz", name)
	return pkg
}

// DebianEtc returns the package of Debian 12 main that ships a file below
// /etc, "" when none does: the file may still be made at installation.
func (c *Catalogue) DebianEtc(file string) string {
	pkg, _ := c.lookup("debian12-etc.txt.gz", strings.TrimPrefix(file, "/etc/"))
	return pkg
}

// Module reports whether Debian 12's kernels have a loadable module.
func (c *Catalogue) Module(name string) bool {
	_, ok := c.lookup("debian12-modules.txt.gz", strings.ReplaceAll(name, "-", "_"))
	return ok
}

// Syscall reports whether a system call exists on x86_64, i386 or aarch64.
func (c *Catalogue) Syscall(name string) bool { return c.Words("syscalls.txt")[name] }

// Sysctl reports whether a kernel setting exists, in dots; sure is false where
// the catalogue does not cover its part of the tree.
func (c *Catalogue) Sysctl(key string) (exists, sure bool) {
	set := c.Words("sysctl.txt")
	if set[key] || c.Name("sysctl", key) != nil && c.Name("sysctl", key).Exists != "no" {
		return true, true
	}
	parts := strings.Split(key, ".")
	if len(parts) < 2 {
		return false, true
	}
	leaf := parts[len(parts)-1]
	if parts[0] == "net" && len(parts) >= 5 {
		if set[strings.Join(parts[:3], ".")+".*."+leaf] {
			return true, true
		}
	}
	covered := false
	switch parts[0] {
	case "kernel", "vm", "fs", "user", "abi":
		covered = true
		if set[parts[0]+"?."+leaf] || set[parts[0]+"?."+strings.Join(parts[1:], ".")] {
			return true, true
		}
	case "net":
		if len(parts) == 2 {
			return false, true
		}
		switch parts[1] {
		case "core":
			covered = true
			if set["net.core?."+leaf] {
				return true, true
			}
		case "ipv4", "ipv6":
			covered = true
			if set["net.ip?."+leaf] || set["net.ipv4.vs?."+leaf] {
				return true, true
			}
		}
	}
	known := map[string]bool{"kernel": true, "vm": true, "fs": true, "user": true, "abi": true, "net": true, "dev": true, "debug": true, "sunrpc": true, "crypto": true, "xpc": true}
	if !known[parts[0]] {
		return false, true
	}
	// Modules bring keys of their own below these.
	if parts[0] == "fs" && len(parts) > 2 || parts[0] == "kernel" && len(parts) > 3 {
		covered = !brought[parts[0]+"."+parts[1]]
	}
	return false, covered
}

// brought are folders whose settings depend on what is loaded or built in.
var brought = map[string]bool{"fs.xfs": true, "fs.nfs": true, "fs.quota": true, "fs.binfmt_misc": true, "fs.verity": true, "fs.mqueue": true, "fs.fanotify": true,
	"fs.ext4": true, "fs.btrfs": true, "fs.cifs": true, "fs.ocfs2": true, "fs.fuse": true, "fs.lustre": true, "fs.coda": true, "fs.ntfs": true, "kernel.sched_domain": true,
	"kernel.random": true, "kernel.keys": true, "kernel.pty": true, "kernel.usermodehelper": true, "kernel.firmware_config": true, "kernel.seccomp": true, "kernel.yama": true, "kernel.spl": true, "kernel.grsecurity": true, "kernel.pax": true}

// Options are the options and subcommands of a command.
type Options struct {
	Names    map[string]bool // true: takes a value
	Commands map[string]bool
	Package  string
}

// Options returns what the manual page of a program names; nil when none was read.
func (c *Catalogue) Options(program string) *Options {
	text := c.list("options.txt")
	c.mu.Lock()
	defer c.mu.Unlock()
	if o, ok := c.opts[program]; ok {
		return o
	}
	var o *Options
	at := strings.Index(text, "\n"+program+"\t")
	if at >= 0 {
		line, _, _ := strings.Cut(text[at+1:], "\n")
		fields := strings.SplitN(line, "\t", 3)
		o = &Options{Names: map[string]bool{}, Package: fields[1]}
		o.add(fields[2])
	}
	c.opts[program] = o
	return o
}

func (o *Options) add(words string) {
	for _, w := range strings.Fields(words) {
		name, value := strings.CutSuffix(w, "=")
		o.Names[name] = o.Names[name] || value
	}
}

// Command returns the options and subcommands of a command such as "docker
// network", as it prints them itself; nil when that was not asked.
func (c *Catalogue) Command(path string) *Options {
	text := c.list("commands.txt")
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tree == nil {
		c.tree = map[string]*Options{}
		for _, line := range strings.Split(text, "\n") {
			if line == "" || line[0] == '#' {
				continue
			}
			name, words, _ := strings.Cut(line, "\t")
			o := c.tree[name]
			if o == nil {
				o = &Options{Names: map[string]bool{}, Commands: map[string]bool{}}
				c.tree[name] = o
			}
			o.add(words)
			if i := strings.LastIndexByte(name, ' '); i > 0 {
				parent := c.tree[name[:i]]
				if parent == nil {
					parent = &Options{Names: map[string]bool{}, Commands: map[string]bool{}}
					c.tree[name[:i]] = parent
				}
				parent.Commands[name[i+1:]] = true
			}
		}
	}
	return c.tree[path]
}

// Shapes are types of objects: which keys they have.
type Shapes struct {
	Types   map[string]map[string]string // by name: key, type
	Objects map[string]string            // Kubernetes: "apiVersion kind", type
}

// Shapes returns a machine-made file of shapes (kubernetes.txt,
// falco-rules.txt, falco-config.txt).
func (c *Catalogue) Shapes(file string) *Shapes {
	text := c.list(file)
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.shape[file]; s != nil {
		return s
	}
	s := &Shapes{Types: map[string]map[string]string{}, Objects: map[string]string{}}
	for _, line := range strings.Split(text, "\n") {
		head, rest, _ := strings.Cut(line, "\t")
		what, name, _ := strings.Cut(head, " ")
		switch what {
		case "type":
			keys := map[string]string{}
			for _, f := range strings.Fields(rest) {
				key, kind, _ := strings.Cut(f, "=")
				keys[key] = kind
			}
			s.Types[name] = keys
		case "object":
			s.Objects[rest] = name
		}
	}
	c.shape[file] = s
	return s
}

// FalcoField reports whether Falco, or one of its plugins, has a field; sure is
// false for classes of which not all are known. An index or argument behind it
// (proc.aname[2]) is passed over.
func (c *Catalogue) FalcoField(name string) (exists, sure bool) {
	name, _, _ = strings.Cut(name, "[")
	name = strings.TrimRight(name, ".")
	set := c.Words("falco-fields.txt")
	if set[name] {
		return true, true
	}
	class, _, _ := strings.Cut(name, ".")
	switch class {
	case "process", "file", "network", "event", "host", "image", "pod", "syscall", "kernel", "memory", "mem", "cmd", "net": // classes that people make up
		return false, true
	case "proc", "thread", "user", "group", "container", "fd", "fdlist", "fs", "k8s":
		return strings.HasPrefix(name, "k8s.") && (strings.Contains(name, ".label") || strings.HasPrefix(name, "k8s.rc") || strings.HasPrefix(name, "k8s.rs") || strings.HasPrefix(name, "k8s.svc") || strings.HasPrefix(name, "k8s.deployment")), true
	case "evt":
		if strings.HasPrefix(name, "evt.arg") || strings.HasPrefix(name, "evt.rawarg") {
			return true, true
		}
		return false, true
	}
	return false, false
}
