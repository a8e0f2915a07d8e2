package web

import (
	"context"
	"net/http"
	"strings"

	"github.com/tiercel/tiercel/store"
)

type incidentsView struct {
	Filter    *filter
	Items     []incidentRow
	Next      string // address of the next page
	Looked    *looked
	Hidden    int // by silences, on this page
	Nothing   bool
	Statuses  [][2]string
	Classes   [][2]string
	Severity  [][2]string
	Hint      hint
	Analysing bool
}

type incidentRow struct {
	store.Incident
	Path     string
	Silenced int64
	Where    []string // hosts, the first few
	More     int      // hosts
	RuleList string
	Rules    int // further
	Stage    string
}

// hint is how to send alerts here.
type hint struct{ Listen string }

var (
	statusChoices = [][2]string{{"", "Open and in hand"}, {"open", "Open"}, {"handled", "In hand"}, {"closed", "Closed"}, {"all", "All"}}
	classChoices  = [][2]string{{"", "Any verdict"}, {"attack,suspicious", "Attack or suspicious"}, {"attack", "Attack"}, {"suspicious", "Suspicious"},
		{"unknown", "Unknown"}, {"test", "Security test"}, {"benign", "Ordinary work"}}
	severityChoices = [][2]string{{"", "Any severity"}, {"critical,high", "High and above"}, {"critical", "Critical"}, {"high", "High"}, {"medium", "Medium"},
		{"low", "Low"}, {"info", "Informational"}}
)

func (p *pages) listIncidents(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := bounded(r)
	defer cancel()
	f, err := p.readFilter(r)
	if err != nil {
		return err
	}
	switch f.Status {
	case "":
		f.query.Statuses = []store.Status{store.Open, store.Handled}
	case "all":
	default:
		for _, s := range f.words("status", f.Status, []string{string(store.Open), string(store.Handled), string(store.Closed)}) {
			f.query.Statuses = append(f.query.Statuses, store.Status(s))
		}
	}
	v := incidentsView{Filter: f, Statuses: statusChoices, Classes: classChoices, Severity: severityChoices, Hint: hint{p.opt.Listen}, Analysing: p.opt.Live != nil}
	var items []store.Incident
	var next string
	if f.cond != nil {
		var far looked
		items, next, far, err = p.searchIncidents(ctx, f.query, f.cond)
		v.Looked = &far
	} else {
		var page store.Page[store.Incident]
		page, err = p.store.Incidents(ctx, f.query)
		items, next = page.Items, page.Next
	}
	if err != nil {
		return err
	}
	if next != "" {
		v.Next = f.Page(next)
	}
	silences, _ := p.silences.value(ctx, p.log)
	for _, i := range items {
		by, err := p.silencedBy(ctx, &i, silences)
		if err != nil {
			return err
		}
		if by != 0 && !f.Silenced {
			v.Hidden++
			continue
		}
		v.Items = append(v.Items, rowOf(i, by))
	}
	v.Nothing = len(items) == 0 && !f.Any() && f.First() && p.empty(ctx)
	return p.show(w, r, http.StatusOK, "incidents", "Incidents", v)
}

// empty reports whether no alert was ever stored.
func (p *pages) empty(ctx context.Context) bool {
	page, err := p.store.Alerts(ctx, store.Query{Limit: 1})
	return err == nil && len(page.Items) == 0
}

const (
	hostsShown = 3
	rulesShown = 2
)

func rowOf(i store.Incident, by int64) incidentRow {
	row := incidentRow{Incident: i, Path: incidentPath(i.ID), Silenced: by, Where: i.Hosts, RuleList: strings.Join(i.Rules[:min(len(i.Rules), rulesShown)], ", ")}
	if len(i.Hosts) > hostsShown {
		row.Where, row.More = i.Hosts[:hostsShown], len(i.Hosts)-hostsShown
	}
	row.Rules = max(0, len(i.Rules)-rulesShown)
	if n := len(i.Stages); n > 0 && (i.Class == "attack" || i.Class == "suspicious") {
		row.Stage = i.Stages[n-1]
	}
	return row
}

// openCount is how many open incidents are an attack or suspicious.
type openCount struct {
	n    int
	more bool
}

func (c openCount) text() string {
	switch {
	case c.n == 0:
		return ""
	case c.more:
		return number(int64(c.n)) + "+"
	}
	return number(int64(c.n))
}

// openMost bounds what is counted for the navigation.
const openMost = 99

func (p *pages) countOpen(ctx context.Context) (openCount, error) {
	page, err := p.store.Incidents(ctx, store.Query{Classes: []string{"attack", "suspicious"}, Statuses: []store.Status{store.Open}, Limit: openMost})
	if err != nil {
		return openCount{}, err
	}
	silences, err := p.readSilences(ctx)
	if err != nil {
		return openCount{}, err
	}
	c := openCount{more: page.Next != ""}
	for i := range page.Items {
		by, err := p.silencedBy(ctx, &page.Items[i], silences)
		if err != nil {
			return c, err
		}
		if by == 0 {
			c.n++
		}
	}
	return c, nil
}
