package live

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/renameio/v2"

	"github.com/tiercel/tiercel/alert"
	"github.com/tiercel/tiercel/analysis"
	"github.com/tiercel/tiercel/incident"
	"github.com/tiercel/tiercel/journal"
	"github.com/tiercel/tiercel/redact"
	"github.com/tiercel/tiercel/report"
	"github.com/tiercel/tiercel/server/envelope"
	"github.com/tiercel/tiercel/store"
)

// info is what the store wants to know of a kind and Live does not hold.
type info struct {
	source, priority, host, container string
	text                              string // "" once it is in the store
}

// state is what the store keeps of a kind for us.
type state struct {
	incident.State
	Aside incident.Aside
}

// searchMost bounds the searchable text of a kind, in bytes.
const searchMost = 8 << 10

// decodeRaw reads an alert of the journal again.
func (l *Live) decodeRaw(raw []byte) (*alert.Alert, error) {
	dec := alert.NewDecoder(alert.Options{TextFields: l.opt.Base.TextKeys()})
	a, err := dec.Decode(envelope.Envelope{Raw: raw}.Record(), source)
	if err == nil && a == nil {
		err = errors.New("not a Falco alert")
	}
	if err != nil {
		return nil, err
	}
	return a.Clone(), nil
}

// learn reads what is to be known of a new kind from its first alert.
func (l *Live) learn(it *item) *info {
	a, err := l.decodeRaw(it.raw)
	if err != nil {
		return &info{}
	}
	in := &info{source: a.Source, priority: a.Priority.String(), host: a.Hostname}
	var b strings.Builder
	add := func(text string) {
		if b.Len()+len(text) < searchMost {
			b.WriteString(text)
			b.WriteByte('\n')
		}
	}
	add(it.seen.Rule)
	for i := range a.Fields {
		f := &a.Fields[i]
		if f.Name == "container.id" {
			in.container = f.Value.Text
		}
		if f.Value.Known() && !l.opt.Base.Volatile(f.Name) {
			add(f.Value.Text)
		}
	}
	add(a.Output)
	in.text = b.String()
	return in
}

// forget drops what is known of kinds that were closed.
func (l *Live) forget() {
	open := l.l.IDs()
	for id := range l.info {
		if !open[id] {
			delete(l.info, id)
		}
	}
}

// batch is what the store is to write.
func (l *Live) batch(c incident.Changes) *store.Batch {
	b := &store.Batch{Alerts: l.rest.alerts, Next: l.next}
	for _, p := range c.Kinds {
		b.Kinds = append(b.Kinds, l.kind(p))
	}
	now := time.Now().UTC()
	for _, i := range c.Incidents {
		b.Incidents = append(b.Incidents, l.incident(i, now))
	}
	for _, d := range c.Dissolved {
		b.Gone = append(b.Gone, store.Gone{ID: d.ID, Into: d.Into})
	}
	return b
}

func (l *Live) kind(p incident.Placed) store.Kind {
	k, in := p.Kind, l.info[p.ID]
	if in == nil {
		in = &info{}
	}
	st := k.State()
	kept, err := json.Marshal(state{st, p.Aside})
	if err != nil { // strings and numbers only
		l.log.Error("state of a kind", "kind", p.ID, "error", err)
	}
	out := store.Kind{ID: p.ID, Incident: p.Incident, Key: analysis.ID(st.Key).String(), Rule: l.l.Kinds().Rule(k), Source: in.source, Priority: in.priority,
		Host: in.host, Container: in.container, Class: k.Judgement.Class.String(), Severity: k.Judgement.Severity.String(),
		Count: k.Count, Repeats: k.Repeats, First: k.First(), Last: k.Last(), FirstSeq: p.ID, State: kept, Searchable: in.text}
	in.text = ""
	return out
}

// rank orders incidents as analysis.Judgement.Worse does.
func rank(j analysis.Judgement) int {
	return int(j.Severity)<<24 | int(j.Class)<<16 | int(j.Score)&0xffff ^ 0x8000
}

func (l *Live) incident(i incident.Current, now time.Time) store.Incident {
	out := store.Incident{ID: i.ID, Class: i.Judgement.Class.String(), Severity: i.Judgement.Severity.String(), Rank: rank(i.Judgement),
		Kinds: len(i.Kinds), Count: i.Count, Repeats: i.Repeats, First: i.First, Last: i.Last, Changed: now}
	rules := map[string]bool{}
	for _, k := range i.Kinds {
		rules[l.l.Kinds().Rule(k)] = true
	}
	for rule := range rules {
		out.Rules = append(out.Rules, rule)
	}
	slices.Sort(out.Rules)
	for _, s := range i.Stages {
		out.Stages = append(out.Stages, s.Tactic.String())
	}
	hosts := map[string]bool{}
	for _, id := range i.IDs {
		if in := l.info[id]; in != nil && in.host != "" {
			hosts[in.host] = true
		}
	}
	for host := range hosts {
		out.Hosts = append(out.Hosts, host)
	}
	slices.Sort(out.Hosts)
	out.Headline = l.headline(i.Incident)
	return out
}

func (l *Live) headline(i *incident.Incident) string {
	c := &report.Case{Incident: i, Names: []string{source}, Rule: l.l.Kinds().Rule, Analyze: l.opt.Analyzer.AnalyzeAs}
	d := l.builder.Listed(l.opt.Analyzer, c, c.Group(l.opt.Analyzer))
	d.Redact(redact.Text)
	return d.Headline.Text()
}

// Document is the report on an incident, built from what the store has. The
// error wraps store.ErrNotFound when there is no such incident.
func (l *Live) Document(ctx context.Context, id string) (*report.Document, error) {
	in, kinds, err := l.opt.Store.Incident(ctx, id)
	if err != nil && !errors.Is(err, store.ErrCut) { // the counts are those of the whole all the same
		return nil, err
	}
	if len(kinds) == 0 {
		return nil, fmt.Errorf("incident %s has no alerts any more: %w", id, store.ErrNotFound)
	}
	parts := make([]incident.Part, 0, len(kinds))
	for n, k := range kinds {
		var s state
		if err := json.Unmarshal(k.State, &s); err != nil {
			return nil, fmt.Errorf("kind %d: %w", k.ID, err)
		}
		part := incident.Part{State: s.State, Rule: k.Rule, Aside: s.Aside}
		if n < documentKinds {
			a, err := l.opt.Store.Alert(ctx, k.FirstSeq)
			switch {
			case errors.Is(err, store.ErrNotFound): // removed by age
			case err != nil:
				return nil, err
			default:
				if part.Alert, err = l.decodeRaw(a.Raw); err != nil {
					return nil, fmt.Errorf("alert %d: %w", a.Seq, err)
				}
			}
		}
		parts = append(parts, part)
	}
	i, rule := incident.Build(in.ID, parts)
	c := &report.Case{Incident: i, Names: []string{source}, Rule: rule, Analyze: l.opt.Analyzer.AnalyzeAs}
	d := l.builder.Of(l.opt.Analyzer, c, c.Group(l.opt.Analyzer))
	d.Redact(redact.Text)
	return d, nil
}

// documentKinds bounds how many kinds of an incident are read whole for its
// report; the others are counted in it.
const documentKinds = 1000

const checkpointName = "live.checkpoint"

// checkpoint keeps all that is open, so that the journal before it is no longer
// needed.
func (l *Live) checkpoint(ctx context.Context) error {
	if err := l.flush(ctx); err != nil {
		return err
	}
	if l.next == l.saved {
		return nil
	}
	text, err := l.l.Checkpoint()
	if err != nil {
		return err
	}
	kept := map[string]*keptInfo{}
	for id, in := range l.info {
		kept[fmt.Sprint(id)] = &keptInfo{in.source, in.priority, in.host, in.container}
	}
	known, err := json.Marshal(kept)
	if err != nil {
		return err
	}
	head := binary.BigEndian.AppendUint64([]byte(checkpointMagic), l.next)
	head = binary.BigEndian.AppendUint64(head, uint64(len(known)))
	if err := renameio.WriteFile(filepath.Join(l.opt.Dir, checkpointName), slices.Concat(head, known, text), 0o600); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	l.saved = l.next
	return l.opt.Journal.Trim(journal.Position(l.next))
}

const checkpointMagic = "TIERCEL1"

type keptInfo struct{ Source, Priority, Host, Container string }

// begin starts without a checkpoint. The journal is only trimmed after one: if
// it still has all, everything is put together again from there.
func (l *Live) begin(ctx context.Context, file string) error {
	first := uint64(l.opt.Journal.Stats().First)
	at, err := l.opt.Store.Position(ctx)
	if err != nil {
		return err
	}
	l.l, l.next = incident.NewLive(limits), first
	if first > 1 {
		l.next = max(first, at)
		l.log.Warn("the checkpoint is gone: incidents that were open do not go on", "file", file)
	}
	l.saved = l.next
	return l.opt.Store.Rewind(ctx, l.next)
}

// restore goes on from the last checkpoint. What the store got after it is
// taken back: the journal still has it.
func (l *Live) restore(ctx context.Context) error {
	file := filepath.Join(l.opt.Dir, checkpointName)
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return l.begin(ctx, file)
	}
	if err != nil {
		return err
	}
	broken := func(why any) error {
		return fmt.Errorf("%s: %v; without this file Tiercel goes on, and only incidents that were open are cut", file, why)
	}
	head := len(checkpointMagic) + 16
	if len(text) < head || !bytes.HasPrefix(text, []byte(checkpointMagic)) {
		return broken("is no checkpoint")
	}
	l.next = binary.BigEndian.Uint64(text[len(checkpointMagic):])
	size := binary.BigEndian.Uint64(text[len(checkpointMagic)+8:])
	if size > uint64(len(text)-head) {
		return broken("is cut off")
	}
	var kept map[uint64]*keptInfo
	if err := json.Unmarshal(text[head:head+int(size)], &kept); err != nil {
		return broken(err)
	}
	for id, in := range kept {
		if in != nil {
			l.info[id] = &info{source: in.Source, priority: in.Priority, host: in.Host, container: in.Container}
		}
	}
	if l.l, err = incident.Restore(text[head+int(size):], limits, l.decodeRaw); err != nil {
		return broken(err)
	}
	l.saved = l.next
	return l.opt.Store.Rewind(ctx, l.next)
}
