package main

import (
	"fmt"
	"runtime/debug"
)

// version is set by a release build: -ldflags "-X main.version=…".
var version = ""

type versionCmd struct{}

func (versionCmd) Help() string { return "Example: tiercel version" }

// Run prints version, revision and Go version.
func (versionCmd) Run(t terminal) error {
	text, revision := version, ""
	info, ok := debug.ReadBuildInfo()
	if ok && text == "" {
		text = info.Main.Version
	}
	if ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				revision = " " + s.Value
			}
		}
		revision += " " + info.GoVersion
	}
	_, err := fmt.Fprintf(t.out, "tiercel %s%s\n", text, revision)
	return err
}
