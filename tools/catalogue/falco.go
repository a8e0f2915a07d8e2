package main

import (
	"errors"
	"fmt"
	"os/exec"
	"regexp"
)

var (
	fieldName = regexp.MustCompile(`"((?:evt|evtin|proc|thread|user|group|container|fd|fs\.path|fdlist|syslog|k8s|k8smeta|ka|ct|json|jevt|github|okta|gcp|mesos|span)\.[A-Za-z0-9_.]*[A-Za-z0-9_])"`)
	defined   = regexp.MustCompile(`(?m)^- (rule|macro|list): *(.+?) *$`)
)

// falcoNames writes the fields of Falco and its plugins, as their sources
// name them, and the rules, macros and lists that it is shipped with.
func falcoNames() error {
	if *libs == "" || *plugins == "" || *rules == "" {
		return errors.New("needs -libs, -plugins and -rules")
	}
	fields := map[string]bool{}
	for dir, paths := range map[string][]string{
		*libs:    {"userspace/libsinsp/*.cpp", "userspace/libsinsp/*.h", ":!*/test/*", ":!*ut.cpp"},
		*plugins: {"plugins/*.go", "plugins/*.cpp", "plugins/*.h", ":!*test*"},
	} {
		text, err := exec.Command("git", append([]string{"-C", dir, "grep", "-h", `"[a-z0-9.]*\.[a-zA-Z0-9_.]*"`, "HEAD", "--"}, paths...)...).Output()
		if err != nil {
			return fmt.Errorf("%s: %w", dir, err)
		}
		for _, m := range fieldName.FindAllStringSubmatch(string(text), -1) {
			fields[m[1]] = true
		}
	}
	if err := write("falco-fields.txt", "# Fields that the sources of Falco's libraries and plugins name.\n", sorted(fields)); err != nil {
		return err
	}
	names := map[string]bool{}
	for _, file := range []string{"rules/falco_rules.yaml", "rules/falco-incubating_rules.yaml", "rules/falco-sandbox_rules.yaml"} {
		text, err := exec.Command("git", "-C", *rules, "show", "HEAD:"+file).Output()
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		for _, m := range defined.FindAllStringSubmatch(string(text), -1) {
			names[m[1]+" "+m[2]] = true
		}
	}
	return write("falco-names.txt", "# Rules, macros and lists of Falco's own rule files.\n", sorted(names))
}
