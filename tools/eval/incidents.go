package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"sort"
	"strings"

	"github.com/tiercel/tiercel/analysis"
	"github.com/tiercel/tiercel/incident"
	"github.com/tiercel/tiercel/pipeline"
)

// What the incidents have to reach.
const (
	aimFound  = 0.95 // attacks in incidents that are called attack or suspicious
	aimAlarms = 0.05 // at most, of the rest
	aimPairs  = 0.95
)

// placed is an alert of known truth, the incident that it came to, and what
// that was called.
type placed struct {
	truth
	incident int
	class    analysis.Class
}

// evalIncidents runs each recording by itself, and then all of them in one
// log, each on a host of its own.
func evalIncidents(o options, z *analysis.Analyzer, rows map[string]map[int]truth) (short bool, err error) {
	files := sortedFiles(rows)
	var alone []placed
	var all []pipeline.Input
	for n, file := range files {
		text, err := openRenamed(filepath.Join(o.corpus, file), o.renamed)
		if err != nil {
			return false, err
		}
		whole, err := io.ReadAll(text)
		if err != nil {
			return false, err
		}
		own := strings.NewReplacer(`"hostname":"`, fmt.Sprintf(`"hostname":"h%d-`, n)).Replace(string(whole))
		all = append(all, input(file, own))
		got, err := place(z, rows, input(file, string(whole)))
		if err != nil {
			return false, err
		}
		alone = append(alone, got...)
	}
	together, err := place(z, rows, all...)
	if err != nil {
		return false, err
	}
	fmt.Println("in its incident:")
	table, missed := newTable(), []string(nil)
	for _, p := range alone {
		table[p.Label][p.class.String()]++
		if p.Label == "attack" && p.class <= analysis.Test {
			missed = append(missed, fmt.Sprintf("%s:%d %s", p.File, p.Line, p.Rule))
		}
		if o.verbose && (p.Label == "attack") != (p.class >= analysis.Suspicious) {
			fmt.Printf("%-9s %-10s incident %d of %s:%d %s\n", p.Label, p.class, p.incident, p.File, p.Line, p.Rule)
		}
	}
	short, r := print(table, missed, o.maxUnknown)
	recall, precision := pairs(alone)
	fmt.Printf("alerts of one attack in one incident: %.2f; nothing else in it: %.2f (pairs, mean over sequences; at least %.2f)\n", recall, precision, aimPairs)
	recall2, precision2 := pairs(together)
	fmt.Printf("all recordings in one log, each on a host of its own: %.2f, %.2f\n", recall2, precision2)
	if o.aims {
		short = short || r.found < aimFound || r.alarms > aimAlarms || min(recall, precision, recall2, precision2) < aimPairs
	}
	return short, nil
}

func input(name, text string) pipeline.Input {
	return pipeline.Input{Name: name, Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }}
}

// place finds the incident of each alert of known truth.
func place(z *analysis.Analyzer, rows map[string]map[int]truth, inputs ...pipeline.Input) ([]placed, error) {
	res, err := pipeline.Run(context.Background(), z, inputs, pipeline.Options{Limits: incident.Limits{Kinds: 1_000_000, Kept: 100_000, Each: true}})
	if err != nil {
		return nil, err
	}
	var out []placed
	list, _ := res.Kinds.Incidents()
	for n, i := range list {
		for _, k := range i.Kinds {
			for _, r := range k.Each() {
				if row, ok := rows[inputs[r.File].Name][r.Line]; ok && row.Label != "ignore" {
					out = append(out, placed{row, n, i.Judgement.Class})
				}
			}
		}
	}
	return out, nil
}

// pairs gives, as a mean over the attacks, the share of the pairs of an
// attack's alerts that are in one incident, and the share of the pairs in one
// incident with an attack's alert that are of that attack.
func pairs(list []placed) (recall, precision float64) {
	attacks, calm := map[string][]placed{}, map[string][]placed{}
	for _, p := range list {
		if p.Label == "attack" {
			attacks[p.Sequence] = append(attacks[p.Sequence], p)
		} else {
			calm[p.File] = append(calm[p.File], p)
		}
	}
	var names []string
	for name := range attacks {
		names = append(names, name)
	}
	sort.Strings(names)
	recalls, precisions := 0, 0
	for _, name := range names {
		members := attacks[name]
		together, mixed := 0, 0
		for n, a := range members {
			for _, b := range members[:n] {
				if a.incident == b.incident {
					together++
				}
			}
			for _, b := range calm[a.File] {
				if a.incident == b.incident {
					mixed++
				}
			}
		}
		if all := len(members) * (len(members) - 1) / 2; all > 0 {
			recall += share(together, all)
			recalls++
		}
		if together+mixed > 0 {
			precision += share(together, together+mixed)
			precisions++
		}
	}
	return recall / float64(max(1, recalls)), precision / float64(max(1, precisions))
}
