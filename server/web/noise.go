package web

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tiercel/tiercel/alert"
	"github.com/tiercel/tiercel/condition"
	"github.com/tiercel/tiercel/report"
	"github.com/tiercel/tiercel/store"
)

// What the page on noise looks at.
const (
	noiseAlerts  = 20_000 // the latest alerts
	noiseKinds   = 1000   // of which kinds are looked up
	noiseShown   = 40
	noiseBuckets = 48
)

type noiseView struct {
	Alerts      int
	From, To    time.Time
	Whole       bool // these are all alerts that are stored
	Each        time.Duration
	Kinds       []noiseKind
	KindsLeft   int // that are not listed
	AlertsLeft  int // of these
	Apart       int // alerts of no kind that is kept apart
	Chart       chart
	Analysing   bool
	Hint        hint
	made        time.Time
	TopShare    int // percent of the alerts that are of the first ten kinds
	TopKinds    int
	UnlistedFor int // kinds that were not looked up
}

type noiseKind struct {
	store.Kind
	Rank      int
	InWindow  int
	Share     string
	All       int // ever
	Incidents int
	Path      string
	Incident  string
	Silence   string // address of the form
	Trend     chart
	Tells     []string // what else all its alerts have in common
}

// chart is a row of bars, in the units of its viewBox.
type chart struct {
	Width, Height int
	Bars          []bar
	Title         string
	Max           int
}

type bar struct {
	X, Y, W, H int
	Title      string
}

func (p *pages) showNoise(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := bounded(r)
	defer cancel()
	v, ok := p.noise.value(ctx, p.log)
	if !ok {
		return p.show(w, r, http.StatusOK, "noise", "Noise", (*noiseView)(nil))
	}
	return p.show(w, r, http.StatusOK, "noise", "Noise", v)
}

// seen is an alert without what it says.
type seen struct {
	kind uint64
	at   time.Time
}

// readNoise counts the kinds of the latest alerts, and when they came.
func (p *pages) readNoise(ctx context.Context) (*noiseView, error) {
	v := &noiseView{Analysing: p.opt.Live != nil, Hint: hint{p.opt.Listen}, made: p.now()}
	var list []seen
	q := store.Query{Limit: store.MaxPage}
	for len(list) < noiseAlerts {
		page, err := p.store.Alerts(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, a := range page.Items {
			list = append(list, seen{a.Kind, a.Received})
		}
		if q.After = page.Next; q.After == "" {
			v.Whole = true
			break
		}
	}
	v.Alerts = len(list)
	if len(list) == 0 {
		return v, nil
	}
	v.From, v.To = list[0].at, list[0].at
	counts := map[uint64]int{}
	for _, s := range list {
		counts[s.kind]++
		if s.at.Before(v.From) {
			v.From = s.at
		}
		if s.at.After(v.To) {
			v.To = s.at
		}
	}
	v.Apart = counts[0]
	delete(counts, 0)
	v.Each = max(v.To.Sub(v.From)/noiseBuckets+1, time.Second)
	groups, err := p.groupKinds(ctx, counts, v)
	if err != nil {
		return nil, err
	}
	buckets := map[string]*[noiseBuckets]int{}
	var all [noiseBuckets]int
	of := map[uint64]string{}
	for key, g := range groups {
		buckets[key] = new([noiseBuckets]int)
		for _, id := range g.ids {
			of[id] = key
		}
	}
	for _, s := range list {
		n := min(int(s.at.Sub(v.From)/v.Each), noiseBuckets-1)
		all[n]++
		if key, ok := of[s.kind]; ok {
			buckets[key][n]++
		}
	}
	v.Chart = p.bars(all[:], v, 960, 120, "Alerts received")
	sorted := make([]*group, 0, len(groups))
	for _, g := range groups {
		sorted = append(sorted, g)
	}
	slices.SortFunc(sorted, func(a, b *group) int {
		return cmp.Or(cmp.Compare(b.n, a.n), cmp.Compare(a.kind.Key, b.kind.Key))
	})
	top := 0
	for i, g := range sorted {
		if i < 10 {
			top += g.n
			v.TopKinds = i + 1
		}
		if i >= noiseShown {
			v.KindsLeft++
			v.AlertsLeft += g.n
			continue
		}
		k, err := p.noiseKind(ctx, g, i+1, len(list))
		if err != nil {
			return nil, err
		}
		k.Trend = p.bars(buckets[g.kind.Key][:], v, 192, 32, "Alerts of this kind")
		v.Kinds = append(v.Kinds, k)
	}
	v.TopShare = top * 100 / len(list)
	return v, nil
}

// group is what all kinds of one key have together.
type group struct {
	kind      store.Kind // the latest
	ids       []uint64
	n, all    int
	incidents map[string]bool
}

func (p *pages) groupKinds(ctx context.Context, counts map[uint64]int, v *noiseView) (map[string]*group, error) {
	ids := make([]uint64, 0, len(counts))
	for id := range counts {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b uint64) int { return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(b, a)) })
	if len(ids) > noiseKinds {
		for _, id := range ids[noiseKinds:] {
			v.AlertsLeft += counts[id]
		}
		v.UnlistedFor = len(ids) - noiseKinds
		v.KindsLeft += v.UnlistedFor
		ids = ids[:noiseKinds]
	}
	groups := map[string]*group{}
	for chunk := range slices.Chunk(ids, 200) {
		kinds, err := p.store.Kinds(ctx, chunk)
		if err != nil {
			return nil, err
		}
		for _, k := range kinds {
			k.State, k.Searchable = nil, ""
			g := groups[k.Key]
			if g == nil {
				g = &group{kind: k, incidents: map[string]bool{}}
				groups[k.Key] = g
			}
			if k.Last.After(g.kind.Last) {
				g.kind = k
			}
			g.ids = append(g.ids, k.ID)
			g.n += counts[k.ID]
			g.all += k.Count + k.Repeats
			g.incidents[k.Incident] = true
		}
	}
	return groups, nil
}

func (p *pages) noiseKind(ctx context.Context, g *group, rank, of int) (noiseKind, error) {
	k := noiseKind{Kind: g.kind, Rank: rank, InWindow: g.n, All: g.all, Incidents: len(g.incidents), Path: alertsOf(g.kind.ID), Incident: incidentPath(g.kind.Incident)}
	k.Share = fmt.Sprintf("%.1f %%", 100*float64(g.n)/float64(of))
	a, err := p.firstAlert(ctx, &g.kind)
	if err != nil {
		return k, err
	}
	k.Silence = "/silences?" + url.Values{"where": {proposal(&g.kind, a)}}.Encode() + "#add"
	if a != nil {
		for _, name := range []string{"proc.cmdline", "k8s.ns.name", "container.image.repository", "user.name"} {
			if f, ok := a.Get(name); ok && f.Value.Known() && f.Value.Text != "" {
				k.Tells = append(k.Tells, f.Value.Text)
			}
		}
	}
	return k, nil
}

// proposal is a condition that all alerts of a kind have: narrow, so that it
// hides little else.
func proposal(k *store.Kind, a *alert.Alert) string {
	parts := []string{"rule = " + quoteCondition(k.Rule)}
	if k.Host != "" && (k.Container == "" || k.Container == "host") {
		parts = append(parts, "hostname = "+quoteCondition(k.Host))
	}
	if a != nil {
		for _, name := range []string{"container.image.repository", "proc.exepath", "proc.pname", "user.name"} {
			if f, ok := a.Get(name); ok && f.Value.Known() && f.Value.Text != "" && f.Value.Kind == alert.String {
				parts = append(parts, name+" = "+quoteCondition(f.Value.Text))
			}
		}
	}
	text := strings.Join(parts, " and ")
	if _, err := condition.Parse(text, nil); err != nil {
		return parts[0]
	}
	return text
}

// bars draws counts over the time of v.
func (p *pages) bars(counts []int, v *noiseView, width, height int, title string) chart {
	c := chart{Width: width, Height: height}
	total := 0
	for _, n := range counts {
		c.Max = max(c.Max, n)
		total += n
	}
	w := width / len(counts)
	for i, n := range counts {
		if n == 0 {
			continue
		}
		h := max(2, n*(height-2)/max(c.Max, 1))
		from := v.From.Add(time.Duration(i) * v.Each)
		c.Bars = append(c.Bars, bar{i * w, height - h, w - 1, h, fmt.Sprintf("%s UTC, %s: %d", stamp(from), span(v.Each), n)})
	}
	c.Title = fmt.Sprintf("%s: %d from %s to %s UTC, at most %d in %s", title, total, stamp(v.From), stamp(v.To), c.Max, span(v.Each))
	return c
}

// VerdictWord is the verdict on a kind in words.
func (k noiseKind) VerdictWord() string { return wordOf(report.VerdictWords, k.Class) }
