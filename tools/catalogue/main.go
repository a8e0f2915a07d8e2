// Command catalogue builds the machine-made parts of knowledge/data/catalogue,
// those below made/. It runs on Debian 12 as root, after `apt-get update` and
// `apt-file update`, with Docker and kubectl installed:
//
//	go run ./tools/catalogue -falco DIR -libs DIR -plugins DIR -rules DIR knowledge/data/catalogue/made [PART...]
//
// The directories are clones of github.com/falcosecurity's falco, libs, plugins
// and rules. The parts are the functions in the table below; without any, all
// are made.
package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	_ "embed"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strings"
)

//go:embed manpages.txt
var manpages string

var (
	out     string
	falco   = flag.String("falco", "", "git directory of falcosecurity/falco")
	libs    = flag.String("libs", "", "git directory of falcosecurity/libs")
	plugins = flag.String("plugins", "", "git directory of falcosecurity/plugins")
	rules   = flag.String("rules", "", "git directory of falcosecurity/rules")
)

var parts = []struct {
	name string
	make func() error
}{
	{"options", options},
	{"commands", commands},
	{"debian", debian},
	{"sysctl", sysctls},
	{"shapes", shapes},
	{"keywords", keywords},
	{"falco", falcoNames},
}

func main() {
	flag.Parse()
	if flag.NArg() < 1 {
		fmt.Fprintln(os.Stderr, "usage: catalogue [-falco DIR] OUTPUT-DIR [PART...]")
		os.Exit(2)
	}
	out = flag.Arg(0)
	for _, p := range parts {
		if wanted := flag.Args()[1:]; len(wanted) > 0 && !slices.Contains(wanted, p.name) {
			continue
		}
		if err := p.make(); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", p.name, err)
			os.Exit(1)
		}
	}
}

func run(name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C", "MANWIDTH=300", "COLUMNS=300")
	var text bytes.Buffer
	cmd.Stdout, cmd.Stderr = &text, &text
	err := cmd.Run()
	return text.String(), err
}

func write(name, head string, lines []string) error {
	var b strings.Builder
	b.WriteString(head)
	for _, l := range lines {
		b.WriteString(l + "\n")
	}
	if strings.HasSuffix(name, ".gz") {
		var packed bytes.Buffer
		z, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
		if err != nil {
			return err
		}
		if _, err := z.Write([]byte(b.String())); err != nil {
			return err
		}
		if err := z.Close(); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(out, name), packed.Bytes(), 0o644)
	}
	return os.WriteFile(filepath.Join(out, name), []byte(b.String()), 0o644)
}

// optionWord is an option as it stands in a manual page; what follows tells
// whether it takes a value.
var optionWord = regexp.MustCompile(`(?:^|[\s\[\](){}|,/"'<>=;:])(--?[A-Za-z0-9?#@*+][A-Za-z0-9_.*+-]*)(\[?=|[ ]?[<\[]?[A-Z][A-Za-z_-]*\b|[ ]?<|[ ][a-z]+\]|[ ][a-z0-9-]+(?:$|  |,))?`)

var (
	// boolean follows an option that may be given a value but needs none.
	boolean = regexp.MustCompile(`^\[?=(?:true|false)\b|^\[=`)
	// both is the line that describes an option in a short and a long form.
	both = regexp.MustCompile(`^(-[A-Za-z0-9]), (--[A-Za-z0-9-]+)(=| [a-zA-Z0-9-]+(?:  |$)| ?[<A-Z]|)`)
)

// optionSet returns every word of a text that looks like an option, "=" behind
// those that take a value where they are described. Words that are only
// mentioned are in as well: what is not in the set is in no place of the manual.
func optionSet(text string) []string {
	set := map[string]bool{}
	for _, line := range strings.Split(text, "\n") {
		trimmed := strings.TrimSpace(line)
		if m := both.FindStringSubmatch(trimmed); m != nil && !boolean.MatchString(trimmed[len(m[0])-len(m[3]):]) {
			set[m[1]] = set[m[1]] || m[3] != ""
			set[m[2]] = set[m[2]] || m[3] != ""
		}
		for _, m := range optionWord.FindAllStringSubmatchIndex(line, -1) {
			word := strings.TrimRight(line[m[2]:m[3]], ".-*")
			if word == "" || word == "-" || word == "--" {
				continue
			}
			value := m[4] >= 0 && strings.HasPrefix(trimmed, "-") && !boolean.MatchString(line[m[3]:])
			set[word] = set[word] || value
		}
	}
	var list []string
	for word, value := range set {
		if value {
			word += "="
		}
		list = append(list, word)
	}
	sort.Strings(list)
	return list
}

// options reads manual pages out of Debian's packages.
func options() error {
	dir, err := os.MkdirTemp("", "catalogue")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var lines, missing []string
	scanner := bufio.NewScanner(strings.NewReader(manpages))
	for scanner.Scan() {
		line := scanner.Text()
		if strings.HasPrefix(line, "#") {
			continue
		}
		pkg, programs, _ := strings.Cut(line, ":")
		folder := filepath.Join(dir, pkg)
		cmd := exec.Command("apt-get", "download", "-qq", pkg)
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
		cmd.Dir = folder
		if text, err := cmd.CombinedOutput(); err != nil {
			missing = append(missing, pkg+": "+strings.TrimSpace(string(text)))
			continue
		}
		files, _ := filepath.Glob(filepath.Join(folder, "*.deb"))
		for _, f := range files {
			if text, err := run("dpkg-deb", "-x", f, folder); err != nil {
				return fmt.Errorf("%s: %s", f, text)
			}
		}
		for _, program := range strings.Fields(programs) {
			pages, _ := filepath.Glob(filepath.Join(folder, "usr/share/man/man[0-9]*", program+".[1-9]*"))
			if program == "iptables" || program == "ip6tables" {
				more, _ := filepath.Glob(filepath.Join(folder, "usr/share/man/man8", "iptables-extensions.8*"))
				pages = append(pages, more...)
			}
			if program == "git" || program == "podman" || program == "openssl" || program == "buildah" || program == "skopeo" {
				more, _ := filepath.Glob(filepath.Join(folder, "usr/share/man/man1", program+"-*.1*"))
				pages = append(pages, more...)
			}
			var all strings.Builder
			for _, page := range pages {
				text, err := run("sh", "-c", `man -E ascii --nh --nj -l "$0" 2>/dev/null | col -bx`, page)
				if err != nil {
					return fmt.Errorf("%s: %s", page, text)
				}
				all.WriteString(text)
			}
			if set := optionSet(all.String()); len(set) > 0 {
				lines = append(lines, program+"\t"+pkg+"\t"+strings.Join(set, " "))
			} else {
				missing = append(missing, pkg+": no page with options for "+program)
			}
		}
		if err := os.RemoveAll(folder); err != nil {
			return err
		}
	}
	for _, m := range missing {
		fmt.Fprintln(os.Stderr, m)
	}
	sort.Strings(lines)
	return write("options.txt", "# Options by manual page, Debian 12: program, package, every option that its pages name; = takes a value.\n", lines)
}

// commands asks docker, kubectl and ctr themselves, down all their subcommands.
func commands() error {
	var lines []string
	for _, root := range []struct {
		program string
		help    string
	}{{"docker", "--help"}, {"kubectl", "--help"}, {"ctr", "--help"}} {
		if err := descend([]string{root.program}, root.help, 0, &lines); err != nil {
			return err
		}
	}
	text, err := run("kubectl", "options")
	if err != nil {
		return err
	}
	lines = append(lines, "kubectl *\t"+strings.Join(optionSet(text), " "))
	sort.Strings(lines)
	return write("commands.txt", "# Subcommands and options as the program itself prints them: command, options; = takes a value.\n", lines)
}

var (
	commandsHead = regexp.MustCompile(`(?i)^[A-Za-z ,()]*Commands[A-Za-z ()]*:|^Available Commands:`)
	commandLine  = regexp.MustCompile(`^\s{2,6}([a-z][a-z0-9-]*)((?:, [a-z0-9-]+)*)\*?(\s{2,}|$)`)
)

func descend(path []string, help string, depth int, lines *[]string) error {
	text, err := run(path[0], append(slices.Clone(path[1:]), help)...)
	if err != nil {
		return fmt.Errorf("%v: %w\n%s", path, err, text)
	}
	*lines = append(*lines, strings.Join(path, " ")+"\t"+strings.Join(optionSet(text), " "))
	if depth >= 3 {
		return nil
	}
	in := false
	for _, line := range strings.Split(text, "\n") {
		if commandsHead.MatchString(line) {
			in = true
			continue
		}
		if line != "" && line[0] != ' ' {
			in = false
		}
		m := commandLine.FindStringSubmatch(line)
		if !in || m == nil || m[1] == "help" || m[1] == "completion" || m[1] == "h" {
			continue
		}
		names := []string{m[1]}
		for _, n := range strings.Split(m[2], ",") {
			if n = strings.TrimSpace(n); n != "" {
				names = append(names, n)
			}
		}
		if slices.Equal(path[len(path)-1:], names[:1]) {
			continue
		}
		for _, n := range names {
			if err := descend(append(slices.Clone(path), n), help, depth+1, lines); err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
		}
	}
	return nil
}
