package render

import (
	"strings"

	"github.com/tiercel/tiercel/report"
)

const (
	gap        = 2  // blanks between columns
	threeFrom  = 72 // columns of screen from which a table has three columns
	fieldMost  = 26
	valueLeast = 14
)

func (t *terminal) table(b report.Table) {
	if len(b.Rows) == 0 {
		return
	}
	if t.width < threeFrom {
		t.stacked(b)
		return
	}
	columns := t.tableColumns(b)
	t.cells(columns, [][]piece{{{"Field", bold}}, {{"Value", bold}}, {{"Meaning", bold}}})
	rule := make([][]piece, len(columns))
	for i, c := range columns {
		rule[i] = []piece{{strings.Repeat("-", c), dim}}
	}
	t.cells(columns, rule)
	for _, r := range b.Rows {
		t.cells(columns, [][]piece{fieldName(r.Field), {rowValue(r)}, t.statement(r.Meaning, plain)})
	}
	t.out.put("\n")
}

// timeline gives the time what it needs, and the rest to what, process and user.
func (t *terminal) timeline(b report.Timeline) {
	if len(b.Rows) == 0 {
		return
	}
	if t.width < threeFrom {
		for _, r := range b.Rows {
			line := []piece{{momentWhen(r) + " ", plain}}
			for i, s := range momentCells(r) {
				if i > 0 && !s.Empty() {
					line = append(line, piece{", ", plain})
				}
				line = append(line, pieces(s.Spans, plain)...)
			}
			t.hang("- ", line)
		}
		t.out.put("\n")
		return
	}
	const when, user = 14, 16
	rest := t.width - indent - 3*gap - when - user
	columns := []int{when, rest * 2 / 5, rest - rest*2/5, user}
	head, rule := make([][]piece, len(columns)), make([][]piece, len(columns))
	for i, c := range columns {
		head[i], rule[i] = []piece{{momentColumns[i], bold}}, []piece{{strings.Repeat("-", c), dim}}
	}
	t.cells(columns, head)
	t.cells(columns, rule)
	for _, r := range b.Rows {
		row := [][]piece{{{momentWhen(r), plain}}}
		for i, s := range momentCells(r) {
			if i == 0 {
				row = append(row, t.statement(s, plain))
			} else {
				row = append(row, pieces(s.Spans, plain))
			}
		}
		t.cells(columns, row)
	}
	t.out.put("\n")
}

func (t *terminal) tree(b report.Tree) {
	for _, x := range b.Items {
		t.hang(strings.Repeat("  ", min(x.Depth, treeDepth))+"- ", pieces(x.Say.Spans, plain))
	}
	if len(b.Items) > 0 {
		t.out.put("\n")
	}
}

// tableColumns gives the fields what they need, and of the rest at most 45 of
// 100 parts to the values, which are rarely read to their end.
func (t *terminal) tableColumns(b report.Table) []int {
	field, val := len("Field"), valueLeast
	for _, r := range b.Rows {
		field = max(field, widest(fieldName(r.Field)))
		val = max(val, widest([]piece{rowValue(r)}))
	}
	field = min(field, fieldMost)
	rest := t.width - indent - 2*gap - field
	val = min(val, rest*45/100)
	return []int{field, val, rest - val}
}

// fieldName shows a field's name bare if it looks like one: in a POSTed alert
// names are hostile too.
func fieldName(s string) []piece {
	usual := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-[]/", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !usual(r) }) < 0 {
		return []piece{{s, shownValue}}
	}
	return []piece{valuePiece(s)}
}

func rowValue(r report.Row) piece {
	if r.Null {
		return piece{nullValue, dim}
	}
	return valuePiece(r.Value)
}

// cells writes one row; each cell wraps inside its column.
func (t *terminal) cells(columns []int, row [][]piece) {
	wrapped := make([][]line, len(row))
	height := 1
	for i, text := range row {
		wrapped[i] = wrap(text, columns[i])
		height = max(height, len(wrapped[i]))
	}
	for y := range height {
		pad := indent
		for i, lines := range wrapped {
			if y < len(lines) && lines[y].width > 0 {
				t.out.put(blanks(pad))
				t.paint(lines[y])
				pad = columns[i] - lines[y].width + gap
			} else {
				pad += columns[i] + gap
			}
		}
		t.out.put("\n")
	}
}

// stacked shows a table on a narrow screen: field and value, the meaning below.
func (t *terminal) stacked(b report.Table) {
	for _, r := range b.Rows {
		head := append(fieldName(r.Field), piece{" = ", plain}, rowValue(r))
		t.hang("", head)
		t.wrapped(2*indent+2, t.statement(r.Meaning, plain))
	}
	t.out.put("\n")
}
