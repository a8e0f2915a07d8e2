package code

import (
	"strings"

	"github.com/tiercel/tiercel/audit/expr"
)

var plainPackage = expr.New(`^[a-z0-9][a-z0-9+.-]+$`)

// repository is what a block has that adds packages from elsewhere.
var repository = expr.New(`sources\.list|add-apt-repository|apt-key|/etc/yum\.repos\.d|\.deb\b|\.rpm\b|dnf config-manager|yum-config-manager|pkgs\.|packages\.`)

func (v *viewer) apt(c *command) {
	args := v.split(c)
	if len(args.operands) < 2 {
		if len(args.operands) == 1 && args.operands[0].text == "install" && !c.nested && !args.has("-f", "--fix-broken") {
			v.needs(src("man-apt-get-8"), "{} install needs the name of a package.", c.name())
		}
		return
	}
	verb := args.operands[0].text
	if verb != "install" && verb != "reinstall" && verb != "download" {
		return
	}
	for _, w := range args.operands[1:] {
		v.debianPackage(w)
	}
}

func (v *viewer) debianPackage(w word) {
	name := strings.SplitN(strings.SplitN(w.text, "=", 2)[0], "/", 2)[0]
	name = strings.TrimSuffix(name, ":amd64")
	if w.dynamic || w.placeholder || strings.HasSuffix(name, "-") || strings.HasSuffix(name, "+") || !plainPackage.MatchString(name) {
		return
	}
	if v.cat.DebianPackage(name) {
		v.good("debian-index")
		return
	}
	if n := v.cat.Name("package", name); n != nil {
		switch n.Exists {
		case "no":
			v.broken(orOwn(n.Sources), n.Use, "There is no package {} in Debian: {}", name, n.Is)
		case "repository", "other":
			v.unchecked("The package {} is not in Debian's main: {}", name, n.Is)
		default:
			v.good(first(n.Sources))
		}
		return
	}
	if p := v.cat.Program(name); p != nil {
		if pkg := p.Packages["debian"]; pkg != "" {
			v.broken(src("debian-index"), "apt-get install "+pkg, "Debian 12 has no package {}.", name)
			return
		}
		if p.Kind == "desktop" || p.Kind == "library" || p.Kind == "none" {
			v.broken(orOwn(p.Sources), p.Use, "Debian 12 has no package {}: it "+p.Is+".", name)
			return
		}
		if strings.Contains(p.Vendor, "GitHub releases") && !strings.Contains(p.Vendor, "repositor") && !repository.MatchString(v.text) {
			v.broken(orOwn(p.Sources), "", "Debian 12 has no package {}: {}.", name, p.Vendor)
			return
		}
		if p.Vendor != "" {
			v.unchecked("The package {} is in its maker's repository, not in Debian: {}", name, p.Vendor)
			return
		}
	}
	if v.cat.DebianVirtual(name) {
		v.unchecked("{} is no package of Debian 12 but a name that others provide.", name)
		return
	}
	if repository.MatchString(v.text) {
		v.unchecked("The package {} is not in Debian 12; the repository that is added may have it.", name)
		return
	}
	if pkg := v.cat.DebianProgram(name); pkg != "" {
		v.broken(src("debian-index"), "apt-get install "+pkg, "Debian 12 has no package {}: the program of that name is in another.", name)
		return
	}
	if v.cat.DebianPackage("python3-" + name) {
		v.broken(src("debian-index"), "apt-get install python3-"+name, "Debian 12 has no package {}.", name)
		return
	}
	v.broken(src("debian-index"), "", "Debian 12 has no package {}.", name)
}

func (v *viewer) otherPackages(c *command) {
	args := v.split(c)
	if len(args.operands) < 2 || args.operands[0].text != "install" && args.operands[0].text != "add" {
		return
	}
	for _, w := range args.operands[1:] {
		name := w.text
		if w.dynamic || w.placeholder || !plainPackage.MatchString(strings.ReplaceAll(name, "_", "-")) {
			continue
		}
		if n := v.cat.Name("package", name); n != nil && n.Exists == "no" {
			v.broken(orOwn(n.Sources), n.Use, "There is no package {}: {}", name, n.Is)
			continue
		}
		if p := v.cat.Program(name); p != nil && (p.Kind == "library" || p.Kind == "desktop" || p.Kind == "none") {
			v.broken(orOwn(p.Sources), p.Use, "There is no package {}: it "+p.Is+".", name)
			continue
		} else if p != nil && (p.Packages["rhel"] == name || p.Packages["alpine"] == name) {
			continue
		}
		v.unchecked("The package {} is in no catalogue for this package manager.", name)
	}
}

func (v *viewer) pip(c *command) {
	args := v.split(c)
	if len(args.operands) < 2 || args.operands[0].text != "install" {
		return
	}
	for _, w := range args.operands[1:] {
		name := strings.ToLower(strings.FieldsFunc(w.text+" ", func(r rune) bool { return strings.ContainsRune("=<>!~[ ", r) })[0])
		if w.dynamic || w.placeholder || strings.ContainsAny(name, "/.") {
			continue
		}
		n := v.cat.Name("python", name)
		switch {
		case n == nil && v.cat.DebianPackage("python3-"+name):
			v.good("debian-index")
		case n == nil:
			v.unchecked("The Python package {} is in no catalogue: make sure it is what you think before it runs here.", name)
		case n.Exists == "no":
			v.broken(orOwn(n.Sources), n.Use, "{} cannot be had from PyPI: {}", name, n.Is)
		default:
			v.good(first(n.Sources))
		}
	}
}
