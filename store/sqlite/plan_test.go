package sqlite

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestPlans holds queries of pages to the indices that were made for them.
func TestPlans(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "x.db"))
	const walk = " ORDER BY a.seq DESC LIMIT 51"
	for _, test := range []struct{ name, query, want string }{
		{"worst first", "SELECT " + incidentFields + " FROM incident i WHERE i.into_id IS NULL AND (i.rank, i.last, i.num) < (1, 2, 3) ORDER BY i.rank DESC, i.last DESC, i.num DESC LIMIT 51", "USING INDEX incident_worst"},
		{"oldest first", "SELECT " + incidentFields + " FROM incident i WHERE i.into_id IS NULL AND i.num > 7 ORDER BY i.num LIMIT 51", "USING INTEGER PRIMARY KEY"},
		{"kinds of an incident", "SELECT k.id FROM kind k WHERE k.incident = 3 ORDER BY k.first_seq, k.id LIMIT 51", "kind_incident"},
		{"by rule and host", "SELECT k.id FROM kind k WHERE k.rule = 'r' AND k.host = 'h' LIMIT 51", "kind_rule (rule=? AND host=?)"},
		{"by host", "SELECT k.id FROM kind k WHERE k.host = 'h' LIMIT 51", "kind_host"},
		{"by container", "SELECT k.id FROM kind k WHERE k.container = 'h' AND k.container <> '' LIMIT 51", "kind_container"},
		{"by window", "SELECT min(first_seq), max(last_seq) FROM block WHERE last_time >= 1 AND first_time < 9", "COVERING INDEX block_time"},
		{"walk", "SELECT " + rowFields + " FROM alert a NOT INDEXED WHERE a.seq BETWEEN 1 AND 9 AND a.kind IN (SELECT value FROM json_each('[]'))" + walk, "USING INTEGER PRIMARY KEY"},
		{"of few kinds", "SELECT " + rowFields + " FROM alert a INDEXED BY alert_kind WHERE a.seq BETWEEN 1 AND 9 AND a.kind IN (SELECT value FROM json_each('[]'))" + walk, "alert_kind (kind=? AND rowid>? AND rowid<?)"},
		{"of one kind", "SELECT " + rowFields + " FROM alert a INDEXED BY alert_kind WHERE a.kind = 3 AND a.seq BETWEEN 1 AND 9" + walk, "alert_kind (kind=? AND rowid>? AND rowid<?)"},
		{"kinds without alerts", "SELECT id FROM kind WHERE held = 0 AND seen < 9", "kind_empty"},
		{"history", "SELECT id FROM audit WHERE object IN (SELECT 'x') ORDER BY id", "audit_object"},
		{"what was merged", "SELECT i.id FROM incident i WHERE i.into_id = 'x'", "incident_into"},
	} {
		rows, err := s.read.Query("EXPLAIN QUERY PLAN " + test.query)
		fatal(t, err)
		var plan []string
		for rows.Next() {
			var id, parent, unused int
			var detail string
			fatal(t, rows.Scan(&id, &parent, &unused, &detail))
			plan = append(plan, detail)
		}
		fatal(t, rows.Err())
		rows.Close()
		got := strings.Join(plan, "; ")
		if !strings.Contains(got, test.want) {
			t.Errorf("%s: %s, not %s", test.name, got, test.want)
		}
		if strings.Contains(got, "TEMP B-TREE") && test.name != "of few kinds" && test.name != "history" {
			t.Errorf("%s sorts: %s", test.name, got)
		}
	}
}
