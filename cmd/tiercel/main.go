// Command tiercel says what Falco's alerts mean and what to do, and proves it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/alecthomas/kong"
)

// Exit codes.
const (
	exitFine       = 0
	exitFindings   = 1 // findings at or above --fail-on
	exitBadInput   = 2 // bad usage or input, also when only some of it was bad
	exitUnfinished = 3
)

// exitCode ends a command with a code and nothing more to say.
type exitCode int

func (c exitCode) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

// terminal is what a command talks to.
type terminal struct {
	in       io.Reader
	out, err *os.File
}

type cli struct {
	Analyze   analyzeCmd   `cmd:"" help:"Report what the alerts of a log mean and what to do."`
	Audit     auditCmd     `cmd:"" help:"Hold a report against its alert: which claims hold, which commands work."`
	Serve     serveCmd     `cmd:"" help:"Take alerts in over HTTP, keep them, and show what they mean."`
	Incidents incidentsCmd `cmd:"" help:"List, show or close the incidents of a server."`
	Tokens    tokensCmd    `cmd:"" help:"Make, list or revoke tokens for programs."`
	Users     usersCmd     `cmd:"" help:"Add, list or remove people who sign in."`
	Store     storeCmd     `cmd:"" help:"Check, back up or restore what a server keeps."`
	Knowledge knowledgeCmd `cmd:"" help:"Show, list or check what Tiercel knows."`
	Version   versionCmd   `cmd:"" help:"Print the version."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, os.Args[1:], terminal{os.Stdin, os.Stdout, os.Stderr})
	stop()
	os.Exit(code)
}

// run is main without the process around it.
func run(ctx context.Context, args []string, t terminal) int {
	var c cli
	ended := -1
	parser, err := kong.New(&c, kong.Name("tiercel"),
		kong.Description("Tiercel says what Falco's alerts mean and what to do, and can prove every word of it."),
		kong.UsageOnError(), kong.Writers(t.out, t.err), kong.Exit(func(code int) { ended = code }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}), kong.DefaultEnvars("TIERCEL"),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(t))
	if err != nil {
		fmt.Fprintln(t.err, "tiercel:", err)
		return exitUnfinished
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	kctx, err := parser.Parse(args)
	if ended >= 0 {
		return ended
	}
	if err != nil {
		fmt.Fprintf(t.err, "tiercel: %v\nTry: tiercel --help\n", err)
		return exitBadInput
	}
	err = kctx.Run()
	var code exitCode
	switch {
	case err == nil:
		return exitFine
	case errors.As(err, &code):
		return int(code)
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(t.err, "tiercel: interrupted")
		return exitUnfinished
	}
	fmt.Fprintf(t.err, "tiercel: %v\n", err)
	var usage usageError
	if errors.As(err, &usage) {
		return exitBadInput
	}
	return exitUnfinished
}

// usageError is the user's to mend: a wrong flag, a file that is not there.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }
