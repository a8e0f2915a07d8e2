package web

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/tiercel/tiercel/alert"
	"github.com/tiercel/tiercel/report/render"
	"github.com/tiercel/tiercel/store"
)

type alertRow struct {
	store.Alert
	Kind *store.Kind // nil: of none that is kept apart
	Path string
	When time.Time // of the event, else when it was received
	Text string
}

func rowOfAlert(a store.Alert, k *store.Kind) alertRow {
	row := alertRow{Alert: a, Kind: k, Path: "/alerts/" + strconv.FormatUint(a.Seq, 10), When: a.Time, Text: outputOf(a.Raw)}
	if row.When.IsZero() {
		row.When = a.Received
	}
	return row
}

func alertsOf(kind uint64) string { return "/alerts?kind=" + strconv.FormatUint(kind, 10) }

// outputOf is the text of an alert for a list: its output, else all of it.
func outputOf(raw []byte) string {
	var a struct {
		Output string `json:"output"`
		Event  struct {
			Output string `json:"output"`
		} `json:"event"`
	}
	if json.Unmarshal(raw, &a) == nil {
		if a.Output != "" {
			return a.Output
		}
		if a.Event.Output != "" {
			return a.Event.Output
		}
	}
	return string(raw)
}

type alertsView struct {
	Filter    *filter
	Items     []alertRow
	Next      string
	Looked    *looked
	Classes   [][2]string
	Severity  [][2]string
	Nothing   bool
	Hint      hint
	KindShown *store.Kind
}

func (p *pages) listAlerts(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := bounded(r)
	defer cancel()
	f, err := p.readFilter(r)
	if err != nil {
		return err
	}
	f.Status = ""
	v := alertsView{Filter: f, Classes: classChoices, Severity: severityChoices, Hint: hint{p.opt.Listen}}
	var items []store.Alert
	var next string
	if f.cond != nil {
		var far looked
		items, next, far, err = p.searchAlerts(ctx, f.query, f.cond)
		v.Looked = &far
	} else {
		var page store.Page[store.Alert]
		page, err = p.store.Alerts(ctx, f.query)
		items, next = page.Items, page.Next
	}
	if err != nil {
		return err
	}
	if next != "" {
		v.Next = f.Page(next)
	}
	kinds, err := p.kindsOf(ctx, items)
	if err != nil {
		return err
	}
	for _, a := range items {
		v.Items = append(v.Items, rowOfAlert(a, kinds[a.Kind]))
	}
	if f.query.Kind != 0 {
		v.KindShown = kinds[f.query.Kind]
	}
	v.Nothing = len(items) == 0 && !f.Any() && f.First()
	return p.show(w, r, http.StatusOK, "alerts", "Alerts", v)
}

func (p *pages) kindsOf(ctx context.Context, items []store.Alert) (map[uint64]*store.Kind, error) {
	byID := map[uint64]*store.Kind{}
	var ids []uint64
	for _, a := range items {
		if _, ok := byID[a.Kind]; !ok && a.Kind != 0 {
			byID[a.Kind] = nil
			ids = append(ids, a.Kind)
		}
	}
	if len(ids) == 0 {
		return byID, nil
	}
	kinds, err := p.store.Kinds(ctx, ids)
	if err != nil {
		return nil, err
	}
	for i := range kinds {
		byID[kinds[i].ID] = &kinds[i]
	}
	return byID, nil
}

type alertView struct {
	alertRow
	Alert    *alert.Alert // nil: it cannot be read
	Problem  string
	Fields   []fieldRow
	Raw      string
	Escaped  bool // Raw is not the exact text
	Pretty   bool // Raw was laid out
	Bytes    int
	RulePath string // of the profile of its rule, "" without
}

type fieldRow struct{ Name, Value, Kind, Means string }

func (p *pages) oneAlert(r *http.Request) (store.Alert, error) {
	ctx, cancel := bounded(r)
	defer cancel()
	seq, err := strconv.ParseUint(r.PathValue("seq"), 10, 64)
	if err != nil {
		return store.Alert{}, store.ErrNotFound
	}
	return p.store.Alert(ctx, seq)
}

func (p *pages) showAlert(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := bounded(r)
	defer cancel()
	a, err := p.oneAlert(r)
	if err != nil {
		return err
	}
	kinds, err := p.kindsOf(ctx, []store.Alert{a})
	if err != nil {
		return err
	}
	v := alertView{alertRow: rowOfAlert(a, kinds[a.Kind]), Bytes: len(a.Raw)}
	if d, err := p.decode(a.Raw); err != nil {
		v.Problem = err.Error()
	} else {
		v.Alert = d
		for _, f := range d.Fields {
			row := fieldRow{Name: f.Name, Value: f.Value.Text, Kind: kindName(f.Value.Kind)}
			if info := p.base.Field(f.Name); info != nil {
				row.Means = info.Means
			}
			v.Fields = append(v.Fields, row)
		}
		if x := p.base.Profile(d.Rule); x != nil {
			v.RulePath = rulePath(x.Rule)
		}
	}
	v.Raw, v.Pretty = pretty(a.Raw)
	v.Raw, v.Escaped = render.VisibleText(v.Raw)
	title := fmt.Sprintf("Alert %d", a.Seq)
	if v.Kind != nil {
		title = v.Kind.Rule
	}
	return p.show(w, r, http.StatusOK, "alert", title, v)
}

func kindName(k alert.Kind) string {
	switch k {
	case alert.Null:
		return "null"
	case alert.String:
		return "text"
	case alert.Int, alert.Float:
		return "number"
	case alert.Bool:
		return "true or false"
	case alert.List:
		return "list"
	}
	return "JSON"
}

// pretty lays JSON out; its numbers and strings stay as they are, digit by digit.
func pretty(raw []byte) (string, bool) {
	var out bytes.Buffer
	if !utf8.Valid(raw) || json.Indent(&out, raw, "", "  ") != nil {
		return string(raw), false
	}
	return out.String(), true
}

// rawAlert gives the alert's bytes as they came.
func (p *pages) rawAlert(w http.ResponseWriter, r *http.Request) error {
	a, err := p.oneAlert(r)
	if err != nil {
		return err
	}
	attachment(w, "application/octet-stream", fmt.Sprintf("alert-%d.json", a.Seq))
	w.Header().Set("Content-Length", strconv.Itoa(len(a.Raw)))
	_, _ = w.Write(a.Raw) // only the reader can be gone
	return nil
}
