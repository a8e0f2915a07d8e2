package render

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/rivo/uniseg"

	"github.com/tiercel/tiercel/analysis"
	"github.com/tiercel/tiercel/evidence"
	"github.com/tiercel/tiercel/incident"
	"github.com/tiercel/tiercel/knowledge/builtin"
	"github.com/tiercel/tiercel/pipeline"
	"github.com/tiercel/tiercel/report"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// moment is a row of a timeline so many seconds after noon, over so many more.
func moment(after, over float64, n int, class, tactic, place string) report.Moment {
	e := because(evidence.Evidence{Kind: evidence.Alert, Ref: "a.log:1", Value: "R"})
	at := noon.Add(time.Duration(after * float64(time.Second)))
	return report.Moment{First: at, Last: at.Add(time.Duration(over * float64(time.Second))), Count: n, Class: class, Tactic: tactic, Place: place,
		What: say(e, "", "Rule of "+tactic), Process: say(e, "", "proc --after "+fmt.Sprint(after)), User: say(e, "", "root")}
}

func branch(depth, alerts int, place, cmd string) report.Branch {
	e := because(evidence.Evidence{Kind: evidence.Alert, Ref: "a.log:1", Value: "R"})
	b := report.Branch{Depth: depth, Alerts: alerts, Place: place, Say: say(e, "", cmd)}
	if alerts > 0 {
		b.Class, b.Rows = "suspicious", []int{1, 2, 3, 7}
	}
	return b
}

const web, db = "container web 0123456789ab, on vm", "container db ba9876543210, on vm"

// crowd is sixty kinds of alert within one second, of every verdict.
func crowd() report.Timeline {
	var t report.Timeline
	for i := range 60 {
		t.Rows = append(t.Rows, moment(float64(i)/61, 0, 1+i%4*50, svgClasses[i%5], []string{"execution", "execution", "discovery"}[i%3], web))
	}
	return t
}

// days has bursts with hours and days between, repeats over all of it, and
// more than one place.
func days() report.Timeline {
	t := report.Timeline{Rows: []report.Moment{
		moment(0, 0, 1, "unknown", "initial access", web), moment(1, 3*86400, 300, "benign", "discovery", web),
		moment(2.5, 0, 1, "suspicious", "execution", web), moment(3, 9, 12, "attack", "credential access", web),
		moment(3*3600, 0, 1, "attack", "credential access", "host vm"), moment(3*3600+4, 2, 4, "test", "", "host vm"),
		moment(3*86400+60, 0, 1, "attack", "impact", "host vm"), moment(3*86400+61, 0, 1, "attack", "impact", ""),
	}}
	t.Rows[6].Telling = true
	t.Rows = append(t.Rows, report.Moment{Count: 1, What: t.Rows[0].What})
	return t
}

// gaps is a tree with tops that have no parent, a process that is deeper than
// its parent tells, several of one name, two containers, and wide characters.
func gaps() report.Tree {
	t := report.Tree{Items: []report.Branch{
		branch(0, 0, "", "containerd-shim"), branch(1, 1, web, "nginx: worker process"), branch(2, 0, "", "sh"),
		branch(3, 2, web, "bash -c "+strings.Repeat("echo aGVsbG8= | base64 -d; ", 20)),
		branch(2, 1, web, "sh -c id"), branch(2, 1, web, "sh -c whoami"), branch(3, 1, db, "psql -h db"),
		branch(0, 0, "", "sshd"), branch(4, 1, "host vm", "cat /etc/shadow"),
		branch(0, 3, "host vm", strings.Repeat("漢字とかな👩‍💻", 20)),
	}}
	t.Items[3].Telling, t.Items[5].Again = true, true
	t.Items[3].Class = "attack"
	return t
}

// recorded are the pictures of the first incident of a recording.
func recorded(t testing.TB, name string) (line report.Timeline, tree report.Tree) {
	t.Helper()
	log, err := os.ReadFile("../../testdata/corpus/" + name + ".jsonl")
	if err != nil {
		t.Fatal(err)
	}
	return pictures(t, name, string(log))
}

func pictures(t testing.TB, name, log string) (line report.Timeline, tree report.Tree) {
	t.Helper()
	z := analysis.New(builtin.Base(), analysis.Options{})
	in := pipeline.Input{Name: name, Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(log)), nil }}
	res, err := pipeline.Run(context.Background(), z, []pipeline.Input{in}, pipeline.Options{Limits: incident.Limits{Kinds: 1000, Kept: 1000}})
	if err != nil {
		t.Fatal(err)
	}
	list, _ := res.Kinds.Incidents()
	c := &report.Case{Incident: list[0], Names: []string{name}, Rule: res.Kinds.Rule, Analyze: z.AnalyzeAs}
	d := report.NewBuilder(builtin.Base()).BuildIncident(z.AnalyzeAs(list[0].Telling.Alert(), list[0].Judgement.Class), c, report.Group{})
	for _, s := range d.Sections {
		for _, b := range s.Blocks {
			switch b := b.(type) {
			case report.Timeline:
				line = b
			case report.Tree:
				tree = b
			}
		}
	}
	return line, tree
}

// TestPicturesAgree holds what the drawings add to the rows against them.
func TestPicturesAgree(t *testing.T) {
	for _, name := range []string{"atk-30-container-shell", "mix-01-attack-under-noise", "eg-host-default"} {
		line, tree := recorded(t, name)
		telling, told := 0, map[int]bool{}
		for _, m := range line.Rows {
			if m.Telling {
				telling++
			}
			if m.Tactic != "" && !contains(m.What.Text(), m.Tactic) || m.Class == "" || m.Place == "" {
				t.Errorf("%s: %+v", name, m)
			}
		}
		for _, x := range tree.Items {
			n := 0
			for _, r := range x.Rows {
				row := line.Rows[r-1]
				n += row.Count
				told[r] = true
				if row.Process.Text() != x.Say.Spans[0].Text || row.Place != x.Place || row.Telling && !x.Telling {
					t.Errorf("%s: row %d is not that of %q", name, r, x.Say.Text())
				}
			}
			if n != x.Alerts || (n > 0) != (x.Class != "") {
				t.Errorf("%s: %q has %d alerts, its rows %d", name, x.Say.Text(), x.Alerts, n)
			}
		}
		if telling != 1 || len(told) != len(line.Rows) {
			t.Errorf("%s: %d tell most, %d of %d rows are in the tree", name, telling, len(told), len(line.Rows))
		}
	}
}

func TestPlaces(t *testing.T) {
	for fields, want := range map[string]string{
		`"container.id":"host","container.name":"host"`:                                             "host vm",
		`"container.id":"0123456789abcdef","container.name":"web"`:                                  "container web 0123456789ab, on vm",
		`"container.id":"0123456789ab","container.name":"w\u202eb"`:                                 "container 0123456789ab, on vm",
		`"container.id":"0123456789ab","container.name":"sk-aaaaaaaaaaaaaaaaaaaaaaaaa"`:             "container 0123456789ab, on vm",
		`"container.id":"0123456789ab","container.name":"c","k8s.ns.name":"p","k8s.pod.name":"w-1"`: "pod p/w-1, container c 0123456789ab, on vm",
		`"container.id":"<b>"`: "container, on vm",
		`"x":"y"`:              "",
	} {
		var log strings.Builder
		for i := range 2 {
			fmt.Fprintf(&log, `{"hostname":"vm","rule":"Terminal shell in container %d","priority":"Notice","time":"2026-11-24T09:00:0%dZ","output":"x","output_fields":{"proc.name":"bash","proc.cmdline":"bash -i","user.name":"root","user.loginuid":1000,"proc.tty":3,%s}}`+"\n", i, i, fields)
		}
		line, _ := pictures(t, "a.log", log.String())
		if len(line.Rows) == 0 || line.Rows[0].Place != want {
			t.Errorf("%s: %+v, want %q", fields, line.Rows, want)
		}
	}
}

// blocks are the drawings with what stands below them, as a page.
func blocks(t testing.TB, list ...report.Block) string {
	t.Helper()
	var b strings.Builder
	w := bufio.NewWriter(&b)
	p := page{out: out{w}}
	p.begin(nil)
	h := htmlBuilder{anchor: "k-1"}
	for _, x := range list {
		p.part("block", h.block(x))
	}
	p.end(nil)
	if err := errors.Join(p.err, w.Flush()); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestDrawingsGolden(t *testing.T) {
	one := report.Timeline{Rows: []report.Moment{moment(0, 0, 1, "attack", "execution", "host vm")}}
	for file, list := range map[string]func() []report.Block{
		"svg-single.html": func() []report.Block {
			return []report.Block{one, report.Tree{Items: []report.Branch{branch(0, 0, "", "sshd"), branch(1, 1, "host vm", "bash -i")}}}
		},
		"svg-recorded.html": func() []report.Block {
			line, tree := recorded(t, "atk-30-container-shell")
			return []report.Block{line, tree}
		},
		"svg-gaps.html":  func() []report.Block { return []report.Block{days(), gaps()} },
		"svg-crowd.html": func() []report.Block { return []report.Block{crowd()} },
	} {
		t.Run(file, func(t *testing.T) {
			got := blocks(t, list()...)
			if again := blocks(t, list()...); again != got {
				t.Error("not the same twice")
			}
			path := filepath.Join("testdata", file)
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if want, err := os.ReadFile(path); err != nil || got != string(want) {
				t.Errorf("output is not as in %s; run go test ./report/render -update and look at the difference (%v)", path, err)
			}
		})
	}
}

// random is a timeline of n rows with times of every order of magnitude.
func random(r *rand.Rand, n int) report.Timeline {
	var t report.Timeline
	spread := math.Pow(10, float64(r.IntN(12))-3)
	for range n {
		after, over := r.Float64()*spread, 0.0
		switch r.IntN(6) {
		case 0:
			over = r.Float64() * spread
		case 1:
			after = float64(r.IntN(3)) * spread
		}
		m := moment(after, over, 1+r.IntN(3)*r.IntN(40000), svgClasses[r.IntN(5)], []string{"", "execution", "command and control"}[r.IntN(3)], []string{"", web, db}[r.IntN(3)])
		m.Telling = r.IntN(9) == 0
		t.Rows = append(t.Rows, m)
	}
	return t
}

// checkChart holds a drawing against its timeline: everything is there, in
// the picture, and covers nothing else.
func checkChart(t *testing.T, b report.Timeline) {
	t.Helper()
	d := drawTimeline(b, "x")
	if d == nil {
		t.Fatal("not drawn")
	}
	if len(d.Marks) != min(len(b.Rows), marksMost) {
		t.Errorf("%d of %d rows are drawn", len(d.Marks), len(b.Rows))
	}
	type reach struct{ from, to, y int }
	var taken []reach
	seen := map[string]bool{}
	for _, m := range d.Marks {
		number, _, _ := strings.Cut(m.Label, " ")
		if seen[number] {
			t.Errorf("row %s is drawn twice", number)
		}
		seen[number] = true
		now := reach{m.X - markHalf, m.LabelX + digitWidth*utf8.RuneCountInString(m.Label), m.Y}
		inside := slices.ContainsFunc(d.Segments, func(s svgSegment) bool { return now.from >= s.X && now.to <= s.X+s.Width })
		if !inside || m.Y < laneTop || m.Y > d.Bottom {
			t.Errorf("%q at %d to %d, %d is outside of its segment", m.Label, now.from, now.to, m.Y)
		}
		if m.Span != "" {
			var x, y, to int
			if _, err := fmt.Sscanf(m.Span, "M%d %dH%d", &x, &y, &to); err != nil || x != m.X || to > d.Width {
				t.Errorf("line %q of %q", m.Span, m.Label)
			}
			now.to = max(now.to, to)
		}
		for _, o := range taken {
			if o.y == now.y && o.from < now.to && now.from < o.to {
				t.Errorf("%q covers another mark", m.Label)
			}
		}
		taken = append(taken, now)
	}
	for i, s := range d.Segments {
		end := s.X
		for _, k := range s.Ticks {
			half := digitWidth * len(k.Label) / 2
			if k.LabelX-half < end || k.LabelX+half > s.X+s.Width || k.X < k.LabelX-half || k.X > k.LabelX+half {
				t.Errorf("label %q covers another one or is not at its time", k.Label)
			}
			end = k.LabelX + half
		}
		if i > 0 && s.X-d.Segments[i-1].X-d.Segments[i-1].Width != breakWidth {
			t.Error("no room for a break")
		}
	}
	if len(d.Breaks) != len(d.Segments)-1 || len(d.Breaks) > breaksMost {
		t.Errorf("%d breaks, %d segments", len(d.Breaks), len(d.Segments))
	}
}

func TestMarksDoNotCoverEachOther(t *testing.T) {
	recorded, _ := recorded(t, "mix-01-attack-under-noise")
	checkChart(t, recorded)
	checkChart(t, crowd())
	var same report.Timeline
	for range 130 {
		same.Rows = append(same.Rows, moment(0, 0, 1000, "attack", "", ""))
	}
	checkChart(t, same)
	r := rand.New(rand.NewPCG(3, 4))
	for range 400 {
		checkChart(t, random(r, 2+r.IntN(99)))
		if t.Failed() {
			return
		}
	}
}

func TestWhatIsNotDrawnIsSaid(t *testing.T) {
	var line report.Timeline
	for range marksMost + 7 {
		line.Rows = append(line.Rows, moment(0, 0, 1, "attack", "", ""))
	}
	line.Rows = append(line.Rows, report.Moment{Count: 1}, report.Moment{Count: 1})
	tree := report.Tree{Items: []report.Branch{{Depth: 0, Say: line.Rows[0].What}}}
	for range treeLines + 3 {
		tree.Items = append(tree.Items, branch(1, 1, "", "x"))
	}
	tree.Items = append(tree.Items, report.Branch{More: true, Say: say(nil, "and 5 lines more")})
	got := blocks(t, line, tree)
	for _, want := range []string{"7 rows beyond the first 100 not drawn", "2 rows have no time and are not drawn", "4 lines beyond the first 60 not drawn",
		"stand to the right of the true time"} {
		if !contains(got, want) {
			t.Errorf("%q is not said", want)
		}
	}
	for _, b := range []report.Block{report.Timeline{}, report.Timeline{Rows: []report.Moment{{Count: 3}}}, report.Tree{}} {
		if got := blocks(t, b); contains(got, "<svg") {
			t.Errorf("drawn: %s", got)
		}
	}
}

func TestManyPlaces(t *testing.T) {
	var line report.Timeline
	for i := range 50 {
		line.Rows = append(line.Rows, moment(float64(i), 0, 1, "attack", "execution", fmt.Sprintf("container c%d", i)))
	}
	checkChart(t, line)
	if d := drawTimeline(line, "x"); len(d.Lanes) != lanesMost || d.Lanes[lanesMost-1].Label != "31 other places" {
		t.Errorf("%d lanes, the last %+v", len(d.Lanes), d.Lanes[len(d.Lanes)-1])
	}
}

func TestBreaks(t *testing.T) {
	for want, at := range map[string][]float64{
		"":                        {0, 1, 2, 3, 4},
		"59 s silent":             {0, 1, 60, 61},
		"3 h silent, 48 h silent": {0, 1, 10800, 10801, 10800 + 2*86400},
	} {
		var line report.Timeline
		for _, s := range at {
			line.Rows = append(line.Rows, moment(s, 0, 1, "attack", "", ""))
		}
		var got []string
		for _, b := range drawTimeline(line, "x").Breaks {
			got = append(got, b.Label+" "+b.What)
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%v: %q, want %q", at, got, want)
		}
	}
	// What repeats for seconds is not cut out; what repeats for hours is, and said so.
	for over, want := range map[float64]string{30: "", 7200: "repeats"} {
		line := report.Timeline{Rows: []report.Moment{moment(0, over, 9, "test", "", ""), moment(0.001, 0, 1, "test", "", ""), moment(0.003, 0, 1, "test", "", "")}}
		got := ""
		for _, b := range drawTimeline(line, "x").Breaks {
			got += b.What
		}
		if got != want {
			t.Errorf("%v: %q, want %q", over, got, want)
		}
	}
	back := report.Timeline{Rows: []report.Moment{moment(100, -50, 2, "test", "", ""), moment(0, 0, 1, "test", "", "")}}
	back.Rows = append(back.Rows, report.Moment{First: time.Unix(0, 0), Last: noon.AddDate(900, 0, 0), Count: 2})
	checkChart(t, back)
}

func TestTreeKeepsTextInItsBoxes(t *testing.T) {
	for _, v := range append(slices.Clone(seeds), strings.Repeat("漢", 500), strings.Repeat("\U0001f600", 90), strings.Repeat("e\u0301", 200)) {
		tree := report.Tree{Items: []report.Branch{branch(0, 0, "", v), branch(1, 2, "", v), branch(30, 1, "", v)}}
		for _, b := range drawTree(tree, "x").Boxes {
			for _, l := range b.Lines {
				if used := l.X + uniseg.StringWidth(l.Head)*headTenths/10; used > b.Width || b.X+b.Width > treeWidth && uniseg.StringWidth(l.Head) > headCells+12 {
					t.Errorf("%q ends at %d of %d", l.Head, used, b.Width)
				}
				if whole := Visible(v); v != "" && l.Head != whole && !contains(l.Rest, " more") {
					t.Errorf("%q is cut without a word: %q %q", whole, l.Head, l.Rest)
				}
			}
		}
	}
}

// checkDrawn replaces every value of a drawing's data by v: the elements stay
// what they are with a harmless one, whatever their size, and nothing hidden
// gets through.
func checkDrawn(t *testing.T, v string) {
	if v == "" {
		return // shows as a word of ours
	}
	page := func(v string) string {
		line, tree := days(), gaps()
		for i := range line.Rows {
			m := &line.Rows[i]
			m.Class, m.Tactic, m.Place = v, v, "in "+v
			m.What, m.Process = say(m.What.Evidence, "", v, v, v), say(m.What.Evidence, "", v)
		}
		for i := range tree.Items {
			b := &tree.Items[i]
			b.Class, b.Place = v, "in "+v
			b.Say = say(b.Say.Evidence, "", v, ", process ", v)
		}
		return blocks(t, line, tree)
	}
	got, want := page(v), page("x")
	a, _ := elements(t, got)
	b, _ := elements(t, want)
	if d := firstDifference(a, b); d != "" {
		t.Errorf("value %q changes the structure: %s", v, d)
	}
	if strings.IndexFunc(got, func(r rune) bool { return r != '\n' && r != '\t' && hidden(r) }) >= 0 {
		t.Errorf("value %q: hidden character in the output", v)
	}
}

func TestDrawnValuesStayValues(t *testing.T) {
	for _, v := range seeds {
		checkDrawn(t, v)
	}
	mixed(t, checkDrawn)
}

func FuzzSVG(f *testing.F) { fuzzHostile(f, checkDrawn) }

func BenchmarkDrawings(b *testing.B) {
	line, tree := recorded(b, "atk-30-container-shell")
	for name, list := range map[string][]report.Block{"incident": {line, tree}, "crowd": {crowd()}, "worst": {random(rand.New(rand.NewPCG(1, 1)), 100), gaps()}} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				for _, x := range list {
					switch x := x.(type) {
					case report.Timeline:
						drawTimeline(x, "x")
					case report.Tree:
						drawTree(x, "x")
					}
				}
			}
		})
	}
}
