package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/tiercel/tiercel/report/render"
)

type incidentsCmd struct {
	List  incidentsListCmd  `cmd:"" help:"List the incidents of a server, the worst first."`
	Show  incidentsShowCmd  `cmd:"" help:"Print the report on an incident."`
	Close incidentsCloseCmd `cmd:"" help:"Close an incident, with what it was and why."`
}

// apiFlags say which server is spoken to.
type apiFlags struct {
	Server string `default:"http://127.0.0.1:2804" placeholder:"URL" help:"The server."`
	Token  string `placeholder:"TOKEN" help:"A token with the scopes read and, to close, handle. Better in the environment than on the command line, where others see it."`
	CA     string `name:"ca" placeholder:"FILE" help:"CA of the server's certificate, PEM."`
}

const clientTime = time.Minute

// maxAnswer bounds what is read of an answer.
const maxAnswer = 256 << 20

// call sends a request to the API and returns what it answers.
func (c *apiFlags) call(ctx context.Context, method, path string, q url.Values, body any) ([]byte, error) {
	base, err := url.Parse(c.Server)
	if err != nil || base.Host == "" {
		return nil, usageError{fmt.Errorf("--server: %q is not of the form http://host:2804", c.Server)}
	}
	u := base.JoinPath(path)
	u.RawQuery = q.Encode()
	var payload io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		payload = bytes.NewReader(b)
	}
	ctx, cancel := context.WithTimeout(ctx, clientTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, u.String(), payload)
	if err != nil {
		return nil, usageError{err}
	}
	req.Header.Set("User-Agent", "tiercel/"+versionText())
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.Token)
	}
	client, err := c.client()
	if err != nil {
		return nil, usageError{err}
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxAnswer {
		return nil, fmt.Errorf("the answer is longer than %d bytes", maxAnswer)
	}
	if res.StatusCode < 300 {
		return b, nil
	}
	return nil, apiFailure(res.StatusCode, b)
}

func apiFailure(status int, b []byte) error {
	var said struct {
		Error struct {
			Message string `json:"message"`
		} `json:"error"`
	}
	if json.Unmarshal(b, &said) != nil || said.Error.Message == "" {
		said.Error.Message = "it is no Tiercel, or something is in front of it"
	}
	err := fmt.Errorf("the server answers %d: %s", status, render.Visible(said.Error.Message))
	if status == http.StatusBadRequest || status == http.StatusNotFound || status == http.StatusUnauthorized || status == http.StatusForbidden {
		return usageError{err}
	}
	return err
}

func (c *apiFlags) client() (*http.Client, error) {
	t := http.DefaultTransport.(*http.Transport).Clone()
	if c.CA != "" {
		pem, err := os.ReadFile(c.CA)
		if err != nil {
			return nil, fmt.Errorf("--ca: %w", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("--ca %s: no certificate in it", c.CA)
		}
		t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool}
	}
	return &http.Client{
		Transport: t,
		// The token is for this server and no other.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

type incidentsListCmd struct {
	apiFlags
	Status   []string `default:"open,handled" help:"open, handled, closed."`
	Class    []string `help:"attack, suspicious, test, benign, unknown."`
	Severity []string `help:"critical, high, medium, low, info."`
	Text     string   `help:"Only those with alerts that hold these words."`
	Rule     string   `help:"Only those with alerts of this rule."`
	Host     string   `help:"Only those with alerts of this host."`
	Limit    int      `default:"50" help:"How many at most."`
	Format   string   `short:"f" enum:"table,json" default:"table" help:"table or json (a line for each)."`
}

// Help shows examples.
func (incidentsListCmd) Help() string {
	return `Examples:
  tiercel incidents list
  tiercel incidents list --class attack,suspicious --host web-1 -f json`
}

// incidentRow is what the table shows.
type incidentRow struct {
	ID       string    `json:"id"`
	Headline string    `json:"headline"`
	Class    string    `json:"class"`
	Severity string    `json:"severity"`
	Count    int       `json:"count"`
	Last     time.Time `json:"last"`
	Handling struct {
		Status string `json:"status"`
	} `json:"handling"`
}

const pageItems = 500

// Run lists incidents.
func (c *incidentsListCmd) Run(ctx context.Context, t terminal) error {
	if c.Limit < 1 {
		return usageError{errors.New("--limit: at least 1")}
	}
	q := url.Values{}
	for name, list := range map[string][]string{"status": c.Status, "class": c.Class, "severity": c.Severity} {
		if len(list) > 0 {
			q.Set(name, strings.Join(list, ","))
		}
	}
	for name, v := range map[string]string{"text": c.Text, "rule": c.Rule, "host": c.Host} {
		if v != "" {
			q.Set(name, v)
		}
	}
	w := tabwriter.NewWriter(t.out, 0, 8, 2, ' ', 0)
	if c.Format == "table" {
		fmt.Fprintln(w, "ID\tSEVERITY\tCLASS\tSTATUS\tALERTS\tLAST\tHEADLINE")
	}
	left, more := c.Limit, false
	for left > 0 {
		q.Set("limit", fmt.Sprint(min(left, pageItems)))
		b, err := c.call(ctx, http.MethodGet, "/api/v1/incidents", q, nil)
		if err != nil {
			return err
		}
		var page struct {
			Items []json.RawMessage `json:"items"`
			Next  string            `json:"next"`
		}
		if err := json.Unmarshal(b, &page); err != nil {
			return fmt.Errorf("the answer cannot be read: %w", err)
		}
		for _, raw := range page.Items {
			if err := c.row(t.out, w, raw); err != nil {
				return err
			}
		}
		left -= len(page.Items)
		if more = page.Next != ""; !more || len(page.Items) == 0 {
			break
		}
		q.Set("after", page.Next)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if more {
		fmt.Fprintf(t.err, "There are more than these %d: --limit.\n", c.Limit)
	}
	return nil
}

func (c *incidentsListCmd) row(out io.Writer, table io.Writer, raw json.RawMessage) error {
	if c.Format == "json" {
		_, err := fmt.Fprintf(out, "%s\n", raw)
		return err
	}
	var r incidentRow
	if err := json.Unmarshal(raw, &r); err != nil {
		return fmt.Errorf("the answer cannot be read: %w", err)
	}
	_, err := fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%d\t%s\t%s\n", render.Visible(r.ID), render.Visible(r.Severity), render.Visible(r.Class),
		render.Visible(r.Handling.Status), r.Count, day(r.Last), render.Visible(r.Headline))
	return err
}

type incidentsShowCmd struct {
	apiFlags
	ID     string `arg:"" help:"As tiercel incidents list shows it."`
	Format string `short:"f" enum:"markdown,html,json" default:"markdown" help:"markdown, html or json."`
}

// Help shows an example.
func (incidentsShowCmd) Help() string { return "Example: tiercel incidents show 3f9c2a" }

// Run prints a report.
func (c *incidentsShowCmd) Run(ctx context.Context, t terminal) error {
	b, err := c.call(ctx, http.MethodGet, "/api/v1/incidents/"+url.PathEscape(c.ID)+"/report", url.Values{"format": {c.Format}}, nil)
	if err != nil {
		return err
	}
	_, err = t.out.Write(b)
	return err
}

type incidentsCloseCmd struct {
	apiFlags
	ID  string `arg:"" help:"As tiercel incidents list shows it."`
	As  string `required:"" enum:"attack,test,false-alarm" help:"What it was: attack, test or false-alarm."`
	Why string `required:"" help:"Why."`
}

// Help shows an example.
func (incidentsCloseCmd) Help() string {
	return `Example: tiercel incidents close 3f9c2a --as test --why "pentest of 24 November"`
}

// Run closes an incident.
func (c *incidentsCloseCmd) Run(ctx context.Context, t terminal) error {
	b, err := c.call(ctx, http.MethodPost, "/api/v1/incidents/"+url.PathEscape(c.ID)+"/handling", nil, map[string]string{
		"status": "closed", "finding": strings.ReplaceAll(c.As, "-", " "), "why": c.Why,
	})
	if err != nil {
		return err
	}
	var r incidentRow
	if err := json.Unmarshal(b, &r); err != nil {
		return fmt.Errorf("the answer cannot be read: %w", err)
	}
	_, err = fmt.Fprintf(t.out, "%s is closed as %s: %s\n", render.Visible(r.ID), strings.ReplaceAll(c.As, "-", " "), render.Visible(r.Headline))
	return err
}
