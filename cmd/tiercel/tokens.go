package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/term"

	"github.com/tiercel/tiercel/server"
	"github.com/tiercel/tiercel/store"
	"github.com/tiercel/tiercel/store/sqlite"
)

type tokensCmd struct {
	Create tokensCreateCmd `cmd:"" help:"Make a token for a program. It is shown once."`
	List   tokensListCmd   `cmd:"" help:"List the tokens."`
	Revoke tokensRevokeCmd `cmd:"" help:"Revoke a token. A running server knows within seconds."`
}

type tokensCreateCmd struct {
	dataFlags
	Name  string   `arg:"" help:"What it is for."`
	Scope []string `default:"ingest" help:"What it may do: ingest, read, handle, admin."`
}

// Help shows examples.
func (tokensCreateCmd) Help() string {
	return `Examples:
  tiercel tokens create falco                               to send alerts
  tiercel tokens create --scope read,handle dashboard`
}

// Run makes a token.
func (c *tokensCreateCmd) Run(ctx context.Context, t terminal) error {
	token, kept, err := server.NewToken(c.Name, c.Scope, time.Now())
	if err != nil {
		return usageError{err}
	}
	st, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer st.Close()
	id, err := st.PutToken(ctx, kept)
	if err != nil {
		return err
	}
	if err := note(ctx, st, "create token", fmt.Sprintf("token %d", id), c.Name+": "+strings.Join(kept.Scopes, ", ")); err != nil {
		return err
	}
	fmt.Fprintf(t.err, "Token %d (%s; %s) in %s. It cannot be shown again.\n", id, c.Name, strings.Join(kept.Scopes, ", "), c.Data)
	if strings.Contains(strings.Join(kept.Scopes, ","), server.ScopeIngest) {
		fmt.Fprintln(t.err, "Falco: http_output.url: http://HOST:2804/hook/TOKEN. Others: the header \"Authorization: Bearer TOKEN\".")
	}
	_, err = fmt.Fprintln(t.out, token)
	return err
}

// note writes into the audit trail what was done at the command line.
func note(ctx context.Context, st store.Store, what, object, detail string) error {
	name := cmp.Or(os.Getenv("SUDO_USER"), os.Getenv("USER"))
	if name == "" {
		if u, err := user.Current(); err == nil {
			name = u.Username
		}
	}
	return st.Audit(ctx, store.AuditEntry{At: time.Now().UTC(), Who: "command line: " + name, What: what, Object: object, Detail: detail})
}

type tokensListCmd struct {
	dataFlags
	All bool `help:"Those that were revoked too."`
}

// Help shows an example.
func (tokensListCmd) Help() string { return "Example: tiercel tokens list" }

// Run lists the tokens.
func (c *tokensListCmd) Run(ctx context.Context, t terminal) error {
	st, err := c.openOld(ctx)
	if err != nil {
		return err
	}
	defer st.Close()
	all, err := st.Tokens(ctx)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(t.out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tNAME\tSCOPES\tCREATED\tUSED\tREVOKED")
	for _, x := range all {
		if server.ForPrograms(x) && (c.All || x.Revoked.IsZero()) {
			fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\n", x.ID, printable(x.Name), strings.Join(x.Scopes, ","), day(x.Created), day(x.Used), day(x.Revoked))
		}
	}
	return w.Flush()
}

func day(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04Z")
}

type tokensRevokeCmd struct {
	dataFlags
	ID int64 `arg:"" help:"As tiercel tokens list shows it."`
}

// Help shows an example.
func (tokensRevokeCmd) Help() string { return "Example: tiercel tokens revoke 3" }

// Run revokes a token.
func (c *tokensRevokeCmd) Run(ctx context.Context, t terminal) error {
	st, err := c.openOld(ctx)
	if err != nil {
		return err
	}
	defer st.Close()
	all, err := st.Tokens(ctx)
	if err != nil {
		return err
	}
	for _, x := range all {
		if x.ID != c.ID || !server.ForPrograms(x) {
			continue
		}
		if !x.Revoked.IsZero() {
			return usageError{fmt.Errorf("token %d was revoked on %s", c.ID, day(x.Revoked))}
		}
		if err := st.RevokeToken(ctx, c.ID, time.Now().UTC()); err != nil {
			return err
		}
		if err := note(ctx, st, "revoke token", fmt.Sprintf("token %d", c.ID), x.Name); err != nil {
			return err
		}
		_, err = fmt.Fprintf(t.out, "Token %d (%s) is revoked.\n", c.ID, printable(x.Name))
		return err
	}
	return usageError{fmt.Errorf("there is no token %d", c.ID)}
}

type usersCmd struct {
	Add    usersAddCmd    `cmd:"" help:"Add a person, or give a new password or other scopes."`
	Link   usersLinkCmd   `cmd:"" help:"Print a link that signs a person in once."`
	List   usersListCmd   `cmd:"" help:"List the people."`
	Remove usersRemoveCmd `cmd:"" help:"Remove a person. His sessions end within seconds."`
}

type usersAddCmd struct {
	dataFlags
	Name          string   `arg:"" help:"How the person signs in."`
	Scope         []string `default:"read,handle" help:"What the person may do: read, handle, admin."`
	PasswordStdin bool     `help:"Read the password from standard input."`
	NoPassword    bool     `help:"Without a password: only one-time links work."`
}

// Help shows examples.
func (usersAddCmd) Help() string {
	return `Examples:
  tiercel users add anna
  tiercel users add --scope read,handle,admin --no-password ben && tiercel users link ben`
}

// Run adds a person.
func (c *usersAddCmd) Run(ctx context.Context, t terminal) error {
	if err := server.CheckUser(c.Name); err != nil {
		return usageError{err}
	}
	scopes, err := server.CheckScopes(c.Scope)
	if err != nil {
		return usageError{err}
	}
	u := store.User{Name: c.Name, Scopes: scopes, Created: time.Now().UTC()}
	if !c.NoPassword {
		password, err := c.password(t)
		if err != nil {
			return usageError{err}
		}
		if u.Password, err = server.HashPassword(password); err != nil {
			return usageError{err}
		}
	}
	st, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer st.Close()
	what := "add user"
	if old, err := st.User(ctx, c.Name); err == nil {
		what, u.Created = "change user", old.Created
	} else if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if err := st.PutUser(ctx, u); err != nil {
		return err
	}
	if err := note(ctx, st, what, "user "+c.Name, strings.Join(scopes, ", ")); err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.out, "User %s (%s) in %s.\n", c.Name, strings.Join(scopes, ", "), c.Data)
	return err
}

// password asks for one, twice.
func (c *usersAddCmd) password(t terminal) (string, error) {
	in, ok := t.in.(*os.File)
	if c.PasswordStdin {
		line, err := bufio.NewReader(io.LimitReader(t.in, 4096)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", err
		}
		return strings.TrimRight(line, "\r\n"), nil
	}
	if !ok || !isTerminal(in) {
		return "", errors.New("no terminal to ask for a password on: --password-stdin or --no-password")
	}
	ask := func(prompt string) (string, error) {
		fmt.Fprint(t.err, prompt)
		defer fmt.Fprintln(t.err)
		b, err := term.ReadPassword(int(in.Fd()))
		return string(b), err
	}
	first, err := ask("Password: ")
	if err != nil {
		return "", err
	}
	again, err := ask("Again: ")
	if err == nil && first != again {
		err = errors.New("these are not the same")
	}
	return first, err
}

type usersLinkCmd struct {
	dataFlags
	Name      string `arg:"" help:"The person."`
	PublicURL string `name:"public-url" default:"http://127.0.0.1:2804" placeholder:"URL" help:"Where people reach the server."`
}

// Help shows an example.
func (usersLinkCmd) Help() string {
	return "Example: tiercel users link --public-url https://tiercel.example.org anna"
}

// Run prints a link.
func (c *usersLinkCmd) Run(ctx context.Context, t terminal) error {
	st, err := c.openOld(ctx)
	if err != nil {
		return err
	}
	defer st.Close()
	if err := userThere(ctx, st, c.Name); err != nil {
		return err
	}
	token, kept := server.NewLink(c.Name, time.Now())
	if _, err := st.PutToken(ctx, kept); err != nil {
		return err
	}
	if err := note(ctx, st, "one-time link", "user "+c.Name, ""); err != nil {
		return err
	}
	fmt.Fprintf(t.err, "It works once, for %d minutes.\n", int(server.LinkAge.Minutes()))
	_, err = fmt.Fprintf(t.out, "%s/sign-in/%s\n", strings.TrimRight(c.PublicURL, "/"), token)
	return err
}

func userThere(ctx context.Context, st *sqlite.Store, name string) error {
	_, err := st.User(ctx, name)
	if errors.Is(err, store.ErrNotFound) {
		return usageError{fmt.Errorf("there is no user %s; tiercel users list shows them", printable(name))}
	}
	return err
}

type usersListCmd struct{ dataFlags }

// Help shows an example.
func (usersListCmd) Help() string { return "Example: tiercel users list" }

// Run lists the people.
func (c *usersListCmd) Run(ctx context.Context, t terminal) error {
	st, err := c.openOld(ctx)
	if err != nil {
		return err
	}
	defer st.Close()
	all, err := st.Users(ctx)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(t.out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tSCOPES\tPASSWORD\tCREATED")
	for _, u := range all {
		password := "yes"
		if u.Password == "" {
			password = "no"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", printable(u.Name), strings.Join(u.Scopes, ","), password, day(u.Created))
	}
	return w.Flush()
}

type usersRemoveCmd struct {
	dataFlags
	Name string `arg:"" help:"The person."`
}

// Help shows an example.
func (usersRemoveCmd) Help() string { return "Example: tiercel users remove anna" }

// Run removes a person.
func (c *usersRemoveCmd) Run(ctx context.Context, t terminal) error {
	st, err := c.openOld(ctx)
	if err != nil {
		return err
	}
	defer st.Close()
	if err := userThere(ctx, st, c.Name); err != nil {
		return err
	}
	if err := st.DeleteUser(ctx, c.Name); err != nil {
		return err
	}
	if err := note(ctx, st, "remove user", "user "+c.Name, ""); err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.out, "User %s is removed.\n", printable(c.Name))
	return err
}
