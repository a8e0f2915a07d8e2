package web

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/tiercel/tiercel/alert"
	"github.com/tiercel/tiercel/condition"
	"github.com/tiercel/tiercel/server/envelope"
	"github.com/tiercel/tiercel/store"
)

// How far a condition is looked for, on one page.
const (
	lookAlerts    = 1000 // alerts that are read
	lookIncidents = 150  // incidents whose kinds are read
	lookKinds     = 50   // kinds of one incident
	lookStep      = 10   // incidents that are asked for at once
	lookRead      = 200  // first alerts that are read for incidents
	lookTime      = 50 * time.Millisecond
)

// looked says how far a page looked for a condition.
type looked struct {
	Alerts, Incidents int
	Undecided         int      // of them lack a field that it needs
	Missing           []string // these fields
	Partly            int      // incidents of which not all kinds were looked at
}

func (l *looked) miss(names []string) {
	l.Undecided++
	for _, n := range names {
		if !slices.Contains(l.Missing, n) && len(l.Missing) < 5 {
			l.Missing = append(l.Missing, n)
		}
	}
}

// decode reads an alert of the store again.
func (p *pages) decode(raw []byte) (*alert.Alert, error) {
	dec := alert.NewDecoder(alert.Options{TextFields: p.base.TextKeys()})
	a, err := dec.Decode(envelope.Envelope{Raw: raw}.Record(), "alerts")
	if err == nil && a == nil {
		err = errors.New("not a Falco alert")
	}
	if err != nil {
		return nil, err
	}
	return a.Clone(), nil
}

// kindValues is what all alerts of a kind have in common.
type kindValues struct{ k *store.Kind }

// Get implements condition.Values.
func (v kindValues) Get(name string) (alert.Field, bool) {
	var text string
	switch name {
	case "rule":
		text = v.k.Rule
	case "priority":
		text = v.k.Priority
	case "source":
		text = v.k.Source
	case "hostname":
		text = v.k.Host
	case "container.id":
		text = v.k.Container
	}
	return alert.Field{Name: name, Value: alert.Value{Kind: alert.String, Text: text}}, text != ""
}

// firstAlert reads the first alert of a kind, nil when it is there no more.
func (p *pages) firstAlert(ctx context.Context, k *store.Kind) (*alert.Alert, error) {
	raw, err := p.store.Alert(ctx, k.FirstSeq)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	a, err := p.decode(raw.Raw)
	if err != nil {
		p.log.Warn("an alert of the store cannot be read", "alert", k.FirstSeq, "reason", err)
		return nil, nil
	}
	return a, nil
}

// holds evaluates a condition over the first alert of a kind; the alert is only
// read when what the kind tells does not decide it.
func (p *pages) holds(ctx context.Context, c *condition.Condition, k *store.Kind, far *looked) (condition.Truth, error) {
	if t := c.Truth(kindValues{k}); t != condition.Unknown {
		return t, nil
	}
	a, err := p.firstAlert(ctx, k)
	if err != nil {
		return condition.Unknown, err
	}
	far.Alerts++
	if a == nil {
		far.miss(nil)
		return condition.Unknown, nil
	}
	t := c.Truth(a)
	if t == condition.Unknown {
		far.miss(c.Explain(a).Missing)
	}
	return t, nil
}

// searchIncidents finds the incidents of which a kind has the condition, in
// their order, as far as the bounds allow; next is where to go on.
func (p *pages) searchIncidents(ctx context.Context, q store.Query, c *condition.Condition) (found []store.Incident, next string, far looked, err error) {
	q.Limit = lookStep
	for begun := time.Now(); ; {
		page, err := p.store.Incidents(ctx, q)
		if err != nil {
			return nil, "", far, err
		}
		for i := range page.Items {
			far.Incidents++
			ok, err := p.incidentHas(ctx, page.Items[i].ID, c, &far)
			if err != nil {
				return nil, "", far, err
			}
			if ok {
				found = append(found, page.Items[i])
			}
		}
		if page.Next == "" || far.Alerts >= lookRead || far.Incidents >= lookIncidents || len(found) >= pageLimit || time.Since(begun) > lookTime {
			return found, page.Next, far, nil
		}
		q.After = page.Next
	}
}

func (p *pages) incidentHas(ctx context.Context, id string, c *condition.Condition, far *looked) (bool, error) {
	_, kinds, err := p.store.Incident(ctx, id)
	if err != nil && !errors.Is(err, store.ErrCut) {
		if errors.Is(err, store.ErrNotFound) {
			return false, nil // it went between two reads
		}
		return false, err
	}
	if len(kinds) > lookKinds {
		far.Partly++
		kinds = kinds[:lookKinds]
	}
	for i := range kinds {
		t, err := p.holds(ctx, c, &kinds[i], far)
		if err != nil || t == condition.True {
			return t == condition.True, err
		}
	}
	return false, nil
}

// searchAlerts finds the alerts that have the condition among the next ones.
func (p *pages) searchAlerts(ctx context.Context, q store.Query, c *condition.Condition) (found []store.Alert, next string, far looked, err error) {
	q.Limit = lookAlerts / 4
	dec := alert.NewDecoder(alert.Options{TextFields: p.base.TextKeys()})
	for {
		page, err := p.store.Alerts(ctx, q)
		if err != nil {
			return nil, "", far, err
		}
		for i := range page.Items {
			far.Alerts++
			a, err := dec.Decode(envelope.Envelope{Raw: page.Items[i].Raw}.Record(), "alerts")
			if err != nil || a == nil {
				far.miss(nil)
				continue
			}
			switch c.Truth(a) {
			case condition.True:
				found = append(found, page.Items[i])
			case condition.Unknown:
				far.miss(c.Explain(a).Missing)
			}
		}
		if page.Next == "" || far.Alerts >= lookAlerts || len(found) >= pageLimit {
			return found, page.Next, far, nil
		}
		q.After = page.Next
	}
}

// silence is one that holds, with its condition read.
type silence struct {
	store.Silence
	cond *condition.Condition
}

// readSilences are those that hold now.
func (p *pages) readSilences(ctx context.Context) ([]silence, error) {
	all, err := p.store.Silences(ctx, false)
	if err != nil {
		return nil, err
	}
	var out []silence
	for _, s := range all {
		if !s.Until.After(p.now()) {
			continue
		}
		c, err := condition.Parse(s.Condition, p.opt.Definitions)
		if err != nil {
			p.log.Warn("a silence hides nothing: its condition cannot be read", "silence", s.ID, "reason", err)
			continue
		}
		out = append(out, silence{s, c})
	}
	return out, nil
}

// hiddenKey names an incident at a moment, and the silences that held then.
type hiddenKey struct {
	incident string
	changed  int64
	silences string
}

// silencedKinds bounds the kinds of an incident that silences are held against;
// one with more is never hidden.
const silencedKinds = 50

// silencedBy returns the silence that hides an incident, 0 when none does: all
// its kinds have to be hidden, and an attack never is.
func (p *pages) silencedBy(ctx context.Context, i *store.Incident, all []silence) (int64, error) {
	if len(all) == 0 || i.Class == "attack" || i.Kinds > silencedKinds {
		return 0, nil
	}
	var ids string
	for _, s := range all {
		ids += strconv.FormatInt(s.ID, 10) + "," + strconv.Itoa(len(s.Condition)) + ";"
	}
	key := hiddenKey{i.ID, i.Changed.UnixNano(), ids}
	if by, ok := p.hidden.Get(key); ok {
		return by, nil
	}
	_, kinds, err := p.store.Incident(ctx, i.ID)
	if err != nil && !errors.Is(err, store.ErrCut) {
		return 0, err
	}
	var by int64
	for n := range kinds {
		if by, err = p.kindSilenced(ctx, &kinds[n], all); err != nil {
			return 0, err
		}
		if by == 0 {
			break
		}
	}
	p.hidden.Add(key, by)
	return by, nil
}

func (p *pages) kindSilenced(ctx context.Context, k *store.Kind, all []silence) (int64, error) {
	var first *alert.Alert
	read := false
	for _, s := range all {
		t := s.cond.Truth(kindValues{k})
		if t == condition.Unknown {
			if !read {
				var err error
				if first, err = p.firstAlert(ctx, k); err != nil {
					return 0, err
				}
				read = true
			}
			if first == nil {
				continue
			}
			t = s.cond.Truth(first)
		}
		if t == condition.True {
			return s.ID, nil
		}
	}
	return 0, nil
}
