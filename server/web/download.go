package web

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/tiercel/tiercel/report"
	"github.com/tiercel/tiercel/report/render"
	"github.com/tiercel/tiercel/store"
)

// attachment makes the answer a file for the reader's disk: a browser never
// shows it as a page of ours.
func attachment(w http.ResponseWriter, contentType, name string) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
}

// fileWord makes of an id what may stand in the name of a file.
func fileWord(id string) string {
	word := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-' {
			return r
		}
		return '-'
	}, id)
	return word[:min(len(word), 64)]
}

// format is one in which a report can be had.
type format struct{ file, contentType, name string }

var formats = []format{{"report.md", "text/markdown; charset=utf-8", "markdown"}, {"report.html", "text/html; charset=utf-8", "html"},
	{"report.json", "application/json", "json"}, {"report.pdf", "application/pdf", "pdf"}}

func writeReport(w io.Writer, d *report.Document, name string) error {
	var rd render.Renderer
	var err error
	if name == "pdf" {
		rd = render.NewPDF(w)
	} else if rd, err = render.New(name, w, render.Options{}); err != nil {
		return err
	}
	in := report.Input{Alerts: d.Alerts.Count, Matched: d.Alerts.Count}
	return errors.Join(rd.Begin(in), rd.Document(d), rd.End(in))
}

func (p *pages) download(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := bounded(r)
	defer cancel()
	if r.PathValue("file") == "archive.zip" {
		return p.archive(w, r)
	}
	for _, f := range formats {
		if f.file != r.PathValue("file") {
			continue
		}
		d, err := p.document(ctx, r.PathValue("id"))
		if err != nil {
			return err
		}
		var out bytes.Buffer
		if err := writeReport(&out, d, f.name); err != nil {
			return err
		}
		attachment(w, f.contentType, "incident-"+fileWord(d.ID)+f.file[strings.LastIndexByte(f.file, '.'):])
		w.Header().Set("Content-Length", fmt.Sprint(out.Len()))
		_, _ = w.Write(out.Bytes()) // only the reader can be gone
		return nil
	}
	return store.ErrNotFound
}

func (p *pages) document(ctx context.Context, id string) (*report.Document, error) {
	if p.opt.Live == nil {
		return nil, wrong("This server keeps alerts and does not analyse them, so there is no report.")
	}
	return p.opt.Live.Document(ctx, id)
}

// manifest says what is in an archive.
type manifest struct {
	Schema   string         `json:"schema"`
	Incident string         `json:"incident"`
	Headline string         `json:"headline"`
	Class    string         `json:"class"`
	Severity string         `json:"severity"`
	Made     time.Time      `json:"made"`
	By       string         `json:"made_with"`
	Report   string         `json:"report"` // why there is none, "" when there is
	Alerts   manifestAlerts `json:"alerts"`
	Files    []manifestFile `json:"files"`
}

type manifestAlerts struct {
	Lines     int `json:"lines"`     // of alerts.jsonl
	Removed   int `json:"removed"`   // alerts that were counted and are not stored any more
	Compacted int `json:"compacted"` // came with line breaks, which were taken out
	Wrapped   int `json:"wrapped"`   // no JSON: {"raw_base64": …}
}

type manifestFile struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// archive streams all that there is of an incident.
func (p *pages) archive(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	in, _, err := p.store.Incident(ctx, r.PathValue("id"))
	if err != nil && !errors.Is(err, store.ErrCut) {
		return err
	}
	m := manifest{Schema: "tiercel/archive/v1", Incident: in.ID, Headline: in.Headline, Class: in.Class, Severity: in.Severity, Made: p.now().UTC(), By: "Tiercel " + p.opt.Version}
	d, err := p.document(ctx, in.ID)
	var without problem
	switch {
	case errors.Is(err, store.ErrNotFound):
		m.Report = "all alerts were removed by retention"
	case errors.As(err, &without):
		m.Report = "this server does not analyse alerts"
	case err != nil:
		return err
	}
	name := "incident-" + fileWord(in.ID)
	attachment(w, "application/zip", name+".zip")
	a := &archive{zip: zip.NewWriter(w), folder: name + "/", made: m.Made}
	if err := p.fill(ctx, http.NewResponseController(w), a, &m, in, d); err != nil {
		if ctx.Err() == nil {
			p.log.Error("an archive was broken off", "incident", in.ID, "reason", err)
		}
		panic(http.ErrAbortHandler) // the reader must not take half of it for all
	}
	return nil
}

// fill writes the files of an archive.
func (p *pages) fill(ctx context.Context, rc *http.ResponseController, a *archive, m *manifest, in store.Incident, d *report.Document) error {
	if d != nil {
		for _, f := range formats {
			if err := a.file(f.file, func(w io.Writer) error { return writeReport(w, d, f.name) }); err != nil {
				return err
			}
		}
	}
	if err := a.file("alerts.jsonl", func(w io.Writer) error { return p.writeAlerts(ctx, rc, w, in.ID, &m.Alerts) }); err != nil {
		return err
	}
	m.Alerts.Removed = max(0, in.Count+in.Repeats-m.Alerts.Lines)
	m.Files = a.files
	var sums strings.Builder
	for _, f := range a.files {
		fmt.Fprintf(&sums, "%s  %s\n", f.SHA256, f.Name)
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	if err := a.file("manifest.json", func(w io.Writer) error { _, err := w.Write(append(text, '\n')); return err }); err != nil {
		return err
	}
	fmt.Fprintf(&sums, "%s  %s\n", a.files[len(a.files)-1].SHA256, "manifest.json")
	if err := a.file("SHA256SUMS", func(w io.Writer) error { _, err := io.WriteString(w, sums.String()); return err }); err != nil {
		return err
	}
	return a.zip.Close()
}

// archive is a zip under way.
type archive struct {
	zip    *zip.Writer
	folder string
	made   time.Time
	files  []manifestFile
}

func (a *archive) file(name string, write func(io.Writer) error) error {
	f, err := a.zip.CreateHeader(&zip.FileHeader{Name: a.folder + name, Method: zip.Deflate, Modified: a.made})
	if err != nil {
		return err
	}
	c := counter{sha256.New(), 0}
	if err := write(io.MultiWriter(f, &c)); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	a.files = append(a.files, manifestFile{name, c.n, hex.EncodeToString(c.Sum(nil))})
	return nil
}

type counter struct {
	hash.Hash
	n int64
}

func (c *counter) Write(b []byte) (int, error) {
	c.n += int64(len(b))
	return c.Hash.Write(b)
}

// writeAlerts writes the alerts of an incident as they came, one a line, the
// oldest first.
func (p *pages) writeAlerts(ctx context.Context, rc *http.ResponseController, w io.Writer, id string, m *manifestAlerts) error {
	q := store.Query{Incident: id, OldestFirst: true, Limit: store.MaxPage}
	for {
		_ = rc.SetWriteDeadline(time.Now().Add(time.Minute)) // a long archive is fine, a dead reader is not
		page, err := p.store.Alerts(ctx, q)
		if err != nil {
			return err
		}
		for _, a := range page.Items {
			line := a.Raw
			switch {
			case !json.Valid(line):
				if line, err = json.Marshal(map[string][]byte{"raw_base64": a.Raw}); err != nil {
					return err
				}
				m.Wrapped++
			case bytes.ContainsAny(line, "\n\r"):
				var one bytes.Buffer
				if err := json.Compact(&one, line); err != nil {
					return err
				}
				line = one.Bytes()
				m.Compacted++
			}
			if _, err := w.Write(append(bytes.Clone(line), '\n')); err != nil {
				return err
			}
			m.Lines++
		}
		if q.After = page.Next; q.After == "" {
			return nil
		}
	}
}
