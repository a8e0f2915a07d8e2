// Command eval holds the verdicts against the truth of the recorded alerts in
// testdata/corpus, or of the made ones in testdata/variants, and prints the
// confusion table: of each alert by itself, and in its incident. It fails if an
// attack was called a test or ordinary work, if more of the tests and of the
// ordinary work came out as unknown than may, or if the incidents miss an aim.
// eval audit does the like with audits of labelled reports.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/tiercel/tiercel/alert"
	"github.com/tiercel/tiercel/analysis"
	"github.com/tiercel/tiercel/knowledge"
	"github.com/tiercel/tiercel/knowledge/builtin"
)

// truth is a line of truth.jsonl.
type truth struct {
	File  string `json:"file"`
	Line  int    `json:"line"`
	Label string `json:"label"` // attack, test, benign; ignore is not counted
	// Sequence names what was done in one go: an attack is one incident.
	Sequence string `json:"sequence"`
	Rule     string `json:"rule"`
}

type options struct {
	corpus     string
	knowledge  string
	renamed    bool
	verbose    bool
	maxUnknown float64
	aims       bool
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "audit" {
		end(auditMain(os.Args[2:]))
	}
	var o options
	flag.StringVar(&o.corpus, "corpus", "testdata/corpus", "folder with truth.jsonl and the recordings")
	flag.StringVar(&o.knowledge, "knowledge", "", "folder of knowledge to use in the place of the built-in one, as it stands")
	flag.BoolVar(&o.renamed, "renamed", false, "swap users, uids, hosts and paths first: no sign may know the lab")
	flag.BoolVar(&o.verbose, "v", false, "list every alert that was not called what it was")
	flag.Float64Var(&o.maxUnknown, "unknown", 0.30, "share of the tests and of the ordinary work that may be unknown")
	flag.BoolVar(&o.aims, "aims", true, "fail if the incidents miss an aim")
	flag.Parse()
	end(eval(o))
}

// end leaves with what the shell has to know.
func end(bad bool, err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "eval:", err)
		os.Exit(2)
	}
	if bad {
		os.Exit(1)
	}
	os.Exit(0)
}

var (
	labels  = []string{"attack", "test", "benign"}
	classes = []string{"attack", "suspicious", "unknown", "test", "benign"}
)

func eval(o options) (bad bool, err error) {
	rows, err := readTruth(filepath.Join(o.corpus, "truth.jsonl"))
	if err != nil {
		return false, err
	}
	base, err := openKnowledge(o.knowledge)
	if err != nil {
		return false, err
	}
	table := newTable()
	z := analysis.New(base, analysis.Options{})
	judge := z.NewJudge()
	var missed []string
	for _, file := range sortedFiles(rows) {
		f, err := openRenamed(filepath.Join(o.corpus, file), o.renamed)
		if err != nil {
			return false, err
		}
		for a, err := range alert.All(f, file, alert.Options{}) {
			if err != nil {
				return false, err
			}
			row, ok := rows[file][a.Origin.Line]
			if !ok || row.Label == "ignore" {
				continue
			}
			j := judge.Judge(a)
			class := j.Class.String()
			table[row.Label][class]++
			wrong := row.Label == "attack" && j.Class <= analysis.Test
			if wrong {
				missed = append(missed, fmt.Sprintf("%s:%d %s", file, a.Origin.Line, a.Rule))
			}
			if o.verbose && (wrong || row.Label != "attack" && class != row.Label || row.Label == "attack" && j.Class < analysis.Suspicious) {
				cmd, _ := a.Get("proc.cmdline")
				fmt.Printf("%-9s %-10s score %2d  %s:%d %s | %s\n", row.Label, class, j.Score, file, a.Origin.Line, a.Rule, cmd.Value.Text)
			}
		}
	}
	fmt.Println("each alert by itself:")
	bad, _ = print(table, missed, o.maxUnknown)
	short, err := evalIncidents(o, z, rows)
	return bad || short, err
}

func newTable() map[string]map[string]int {
	table := map[string]map[string]int{}
	for _, l := range labels {
		table[l] = map[string]int{}
	}
	return table
}

// rates are the shares of attacks and of all else that raised an alarm.
type rates struct{ found, alarms float64 }

func print(table map[string]map[string]int, missed []string, maxUnknown float64) (bad bool, r rates) {
	fmt.Printf("%-10s", "truth")
	for _, c := range classes {
		fmt.Printf("%12s", c)
	}
	fmt.Println()
	for _, l := range labels {
		fmt.Printf("%-10s", l)
		for _, c := range classes {
			fmt.Printf("%12d", table[l][c])
		}
		fmt.Println()
	}
	calm, unknown, alarms := 0, 0, 0
	for _, l := range labels[1:] {
		for c, n := range table[l] {
			calm += n
			if c == "unknown" {
				unknown += n
			}
			if c == "attack" || c == "suspicious" {
				alarms += n
			}
		}
	}
	attacks, found := 0, 0
	for c, n := range table["attack"] {
		attacks += n
		if c == "attack" || c == "suspicious" {
			found += n
		}
	}
	fmt.Printf("attacks called test or ordinary work: %d of %d\n", len(missed), attacks)
	for _, m := range missed {
		fmt.Println("  " + m)
	}
	fmt.Printf("attacks called attack or suspicious:  %.2f\n", share(found, attacks))
	fmt.Printf("tests and ordinary work called so:    %.2f\n", share(alarms, calm))
	fmt.Printf("tests and ordinary work unknown:      %.2f (at most %.2f)\n", share(unknown, calm), maxUnknown)
	return len(missed) > 0 || share(unknown, calm) > maxUnknown, rates{share(found, attacks), share(alarms, calm)}
}

// openKnowledge reads a folder of knowledge without checking it; without one
// it is what Tiercel is shipped with.
func openKnowledge(dir string) (*knowledge.Base, error) {
	if dir == "" {
		return builtin.Base(), nil
	}
	set, problems := knowledge.ReadSet(os.DirFS(dir))
	if len(problems) > 0 {
		return nil, problems
	}
	compiled, err := knowledge.Compile(set)
	if err != nil {
		return nil, err
	}
	return knowledge.Open(compiled)
}

func share(n, of int) float64 { return float64(n) / float64(max(1, of)) }

func readTruth(name string) (map[string]map[int]truth, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	rows := map[string]map[int]truth{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var t truth
		if err := json.Unmarshal(lines.Bytes(), &t); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if rows[t.File] == nil {
			rows[t.File] = map[int]truth{}
		}
		rows[t.File][t.Line] = t
	}
	return rows, lines.Err()
}

func sortedFiles(rows map[string]map[int]truth) []string {
	var names []string
	for name := range rows {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// swap turns the recording into one of another place: attacker and
// administrator change names and ids, the host and the folder get new ones.
var swap = strings.NewReplacer("deploy", "alice", "alice", "deploy", "1001", "1002", "1002", "1001",
	"/opt/lab", "/srv/build", `"hostname":"vm"`, `"hostname":"node-17"`)

func openRenamed(name string, renamed bool) (*strings.Reader, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	if renamed {
		return strings.NewReader(swap.Replace(string(text))), nil
	}
	return strings.NewReader(string(text)), nil
}
