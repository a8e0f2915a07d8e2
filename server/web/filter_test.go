package web

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/tiercel/tiercel/condition"
	"github.com/tiercel/tiercel/store"
)

func TestPushDownIsNeverNarrower(t *testing.T) {
	for _, x := range []struct {
		cond string
		want store.Query
	}{
		{`rule = "Read ssh information"`, store.Query{Rule: "Read ssh information"}},
		{`rule="A" and hostname=vm and proc.tty > 0`, store.Query{Rule: "A", Host: "vm"}},
		{`container.id = abc and (rule = "A" or rule = "B")`, store.Query{Container: "abc"}},
		{`rule = "A" or hostname = vm`, store.Query{}},
		{`not rule = "A"`, store.Query{}},
		{`rule != "A"`, store.Query{}},
		{`rule contains "A"`, store.Query{}},
		{`(rule = "A") and (hostname = "b")`, store.Query{Rule: "A", Host: "b"}},
		{`rule = "x and hostname = \"y\""`, store.Query{}},
		{`rule = "x and y"`, store.Query{Rule: "x and y"}},
		{`rule = "x or y" and proc.name = a`, store.Query{Rule: "x or y"}},
		{`proc.name = "rule = A" and hostname = h`, store.Query{Host: "h"}},
		{`tolower(rule) = "a"`, store.Query{}},
	} {
		c, err := condition.Parse(x.cond, nil)
		if err != nil {
			t.Fatalf("%s: %v", x.cond, err)
		}
		var q store.Query
		pushDown(c, &q)
		if q.Rule != x.want.Rule || q.Host != x.want.Host || q.Container != x.want.Container {
			t.Errorf("%s: rule %q, host %q, container %q", x.cond, q.Rule, q.Host, q.Container)
		}
	}
}

func TestQuotedConditionsMeanTheText(t *testing.T) {
	for _, s := range []string{"a", `a"b`, `a\`, "a\nb", "a and b", "\x1b[31m", "日本", `") or rule exists or ("`} {
		c, err := condition.Parse("rule = "+quoteCondition(s), nil)
		if err != nil {
			t.Errorf("%q: %v", s, err)
			continue
		}
		if got := c.Truth(kindValues{&store.Kind{Rule: s}}); got != condition.True {
			t.Errorf("%q is %s", s, got)
		}
		if got := c.Truth(kindValues{&store.Kind{Rule: s + "x"}}); got != condition.False {
			t.Errorf("%q with more is %s", s, got)
		}
	}
}

func TestTimesOfFilters(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"2026-11-24": now.Add(-12 * time.Hour), "2026-11-24 11:30": now.Add(-30 * time.Minute), "2026-11-24T11:30": now.Add(-30 * time.Minute),
		"2026-11-24T13:00:00+01:00": now, "90m": now.Add(-90 * time.Minute), "7d": now.Add(-7 * 24 * time.Hour),
	} {
		f := filter{Wrong: map[string]string{}}
		if got := f.time("since", text, now); !got.Equal(want) || len(f.Wrong) > 0 {
			t.Errorf("%s is %s, %v", text, got, f.Wrong)
		}
	}
	for _, text := range []string{"yesterday", "-1h", "0d", "99999999999d", "2026-13-01", "<script>"} {
		f := filter{Wrong: map[string]string{}}
		if got := f.time("since", text, now); !got.IsZero() || f.Wrong["since"] == "" {
			t.Errorf("%s is %s", text, got)
		}
	}
}

func TestShortensOnlyWithAWord(t *testing.T) {
	for _, x := range []struct {
		in   string
		most int
		want shortText
	}{{"abc", 3, shortText{"abc", 0}}, {"abcd", 3, shortText{"abc", 1}}, {"äöüß", 3, shortText{"äöü", 1}}, {"", 3, shortText{"", 0}}, {"a\x1b[b", 4, shortText{`a\x1b[b`, 0}}} {
		if got := shorten(x.in, x.most); got != x.want {
			t.Errorf("%q: %+v", x.in, got)
		}
	}
}

func TestNumbersAndSizes(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1 000", 1234567: "1 234 567", -1234: "-1 234", math.MaxInt64: "9 223 372 036 854 775 807"} {
		if got := strings.ReplaceAll(number(n), "\u202f", " "); got != want {
			t.Errorf("%d is %s", n, got)
		}
	}
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1500: "1.5 kB", 999_999: "1.0 MB", 123_456_789: "123 MB", 5 << 40: "5.5 TB"} {
		if got := size(n); got != want {
			t.Errorf("%d is %s, not %s", n, got, want)
		}
	}
}

type numbered struct{ id int64 }

func TestLatestGoesBackwards(t *testing.T) {
	for name, ids := range map[string][]int64{"none": nil, "one": {7}, "in a row": row(1, 130), "with gaps": {1, 2, 50, 51, 400, 9000, 9001}, "late": row(100_000, 100_060)} {
		get := func(after int64, limit int) (out []numbered, err error) {
			for _, id := range ids {
				if id > after && len(out) < limit {
					out = append(out, numbered{id})
				}
			}
			return out, nil
		}
		var seen []int64
		before := int64(0)
		for range 200 {
			list, older, err := latest(before, 20, func(n numbered) int64 { return n.id }, get)
			if err != nil {
				t.Fatal(err)
			}
			for _, n := range list {
				seen = append(seen, n.id)
			}
			if before = older; older == 0 {
				break
			}
		}
		if len(seen) != len(ids) {
			t.Errorf("%s: %d of %d: %v", name, len(seen), len(ids), seen)
			continue
		}
		for i := range seen {
			if seen[i] != ids[len(ids)-1-i] {
				t.Errorf("%s: %v", name, seen)
				break
			}
		}
	}
}

func row(from, to int64) (ids []int64) {
	for i := from; i <= to; i++ {
		ids = append(ids, i)
	}
	return ids
}

func TestAlertPages(t *testing.T) {
	for ref, want := range map[string]string{"alerts:12": "/alerts/12", "falco.log:3": "", "alerts:": "", "alerts:12/../x": "", "alerts:javascript": ""} {
		if got := alertPage(ref); got != want {
			t.Errorf("%s leads to %q", ref, got)
		}
	}
	if got := fileWord("../../etc/passwd\r\nX: y\""); strings.ContainsAny(got, "./\r\n\": ") {
		t.Errorf("file name %q", got)
	}
}

// FuzzPushDown holds that nothing which has a condition is beyond what the store
// is asked for.
func FuzzPushDown(f *testing.F) {
	for _, s := range []string{`rule = "A" and hostname = b`, `rule = A or rule = B`, `not (rule = A and hostname = b)`, `rule = "x and hostname = y" and container.id = host`, `rule in (A, B) and rule = A`} {
		f.Add(s, "A", "b", "host")
	}
	f.Fuzz(func(t *testing.T, text, rule, host, container string) {
		c, err := condition.Parse(text, nil)
		if err != nil {
			return
		}
		var q store.Query
		pushDown(c, &q)
		k := &store.Kind{Rule: rule, Host: host, Container: container}
		if c.Truth(kindValues{k}) != condition.True {
			return
		}
		if q.Rule != "" && q.Rule != rule || q.Host != "" && q.Host != host || q.Container != "" && q.Container != container {
			t.Errorf("%s holds for %q, %q, %q and asks for %q, %q, %q", text, rule, host, container, q.Rule, q.Host, q.Container)
		}
	})
}
