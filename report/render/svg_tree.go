package render

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/rivo/uniseg"

	"github.com/tiercel/tiercel/evidence"
	"github.com/tiercel/tiercel/report"
)

const (
	treeLines  = 60 // lines of a tree that are drawn
	treeLeft   = 42 // of a process without anything above it
	treeStep   = 28
	treeRow    = 20
	treeGap    = 9
	bandHead   = 22
	bandFoot   = 8
	treeWidth  = 866 // of boxes with shortened command lines, unless they stand deep
	headCells  = 40  // of a command line, at least
	restCells  = 60
	headTenths = 74 // width of a cell of a command line, in tenths of a pixel
	restTenths = 66
)

type (
	svgTree struct {
		svgFrame
		Bands []svgBand
		Boxes []svgBox
	}
	// svgBand is the ground that processes of one place stand on.
	svgBand struct {
		X, Y, Width, Height int
		LabelX, LabelY      int
		Label               string
	}
	svgBox struct {
		X, Y, Width, Height int
		Class               string // "" for a process without an alert of its own
		Telling             bool
		Elbow               string // from the process above
		Gap                 bool   // what is above is not known, or not next to it
		Question            *svgQuestion
		Lines               []svgLine
	}
	// svgQuestion is the mark of what nobody names.
	svgQuestion struct{ X, Y, TextY int }
	svgLine     struct {
		X, Y, MarkY       int
		Class, Mark       string
		Title, Head, Rest string
	}
)

// node is a box of the tree on its way into the drawing: the lines of one name
// in one place of the tree.
type node struct {
	depth, above int // above is the index of the node above, -1 without
	lines        []report.Branch
	place        string
	band         int // -1 without
}

// drawTree returns nil when there is nothing that a drawing could show.
func drawTree(b report.Tree, id string) *svgTree {
	nodes, left := treeNodes(b)
	if len(nodes) < 2 {
		return nil
	}
	calmDown(nodes)
	t := &svgTree{svgFrame: svgFrame{ID: id, Title: "Process tree"}}
	bands := t.bands(nodes)
	y := 6
	ends := make([]int, len(bands))
	for i := range nodes {
		n := &nodes[i]
		if n.band >= 0 && (i == 0 || nodes[i-1].band != n.band) {
			bands[n.band].X, bands[n.band].Y = treeLeft+treeStep*min(n.depth, treeDepth)-10, y
			y += bandHead
		}
		box := n.box(y)
		if n.above >= 0 {
			a := t.Boxes[n.above]
			box.Elbow = fmt.Sprintf("M%d %dV%dH%d", a.X+14, a.Y+a.Height, y+treeRow/2+3, box.X)
			box.Gap = n.depth != nodes[n.above].depth+1
		} else {
			box.Elbow, box.Gap = fmt.Sprintf("M21 %dH%d", y+treeRow/2+3, box.X), true
			box.Question = &svgQuestion{12, y + treeRow/2 + 3, y + treeRow/2 + 8}
		}
		t.Boxes = append(t.Boxes, box)
		y += box.Height
		if n.band >= 0 {
			ends[n.band] = max(ends[n.band], box.X+box.Width)
			bands[n.band].Height = y + bandFoot - bands[n.band].Y
			if i+1 == len(nodes) || nodes[i+1].band != n.band {
				y += bandFoot
			}
		}
		y += treeGap
		t.Width = max(t.Width, box.X+box.Width+14)
	}
	for i := range bands {
		label := bands[i].X + 10 + uniseg.StringWidth(bands[i].Label)*restTenths/10
		bands[i].LabelX, bands[i].LabelY = bands[i].X+10, bands[i].Y+16
		bands[i].Width = max(ends[i], label) + 10 - bands[i].X
		t.Width = max(t.Width, bands[i].X+bands[i].Width+4)
	}
	t.Bands, t.Height = bands, y
	t.explain(nodes, left)
	return t
}

// calmDown points at no process when there is only one to point at.
func calmDown(nodes []node) {
	var raised []*report.Branch
	for _, n := range nodes {
		for i := range n.lines {
			if n.lines[i].Alerts > 0 {
				raised = append(raised, &n.lines[i])
			}
		}
	}
	if len(raised) == 1 {
		raised[0].Telling = false
	}
}

// treeNodes gathers the lines of a tree into boxes; left is how many lines are
// not drawn.
func treeNodes(b report.Tree) (nodes []node, left int) {
	lines := 0
	var path []int // the node at each depth
	for i := range b.Items {
		x := b.Items[i]
		if x.More {
			continue
		}
		if lines++; lines > treeLines {
			left++
			continue
		}
		if len(nodes) > 0 && x.Again {
			n := &nodes[len(nodes)-1]
			n.lines = append(n.lines, x)
			if n.place != prose(x.Place) {
				n.place = ""
			}
			continue
		}
		depth := max(x.Depth, 0)
		n := node{depth: depth, above: -1, lines: []report.Branch{x}, place: prose(x.Place), band: -1}
		for len(path) > 0 && nodes[path[len(path)-1]].depth >= depth {
			path = path[:len(path)-1]
		}
		if len(path) > 0 {
			n.above = path[len(path)-1]
		}
		path = append(path, len(nodes))
		nodes = append(nodes, n)
	}
	return nodes, left
}

// bands finds the processes that stand together at one place: brothers and all
// that they started, up to one that is known to be elsewhere. Where an ancestor
// without an alert of its own ran is not known. On a single host all is said by
// one note.
func (t *svgTree) bands(nodes []node) []svgBand {
	places := map[string]bool{}
	for _, n := range nodes {
		if n.place != "" {
			places[n.place] = true
		}
	}
	if len(places) == 1 {
		for p := range places {
			if strings.HasPrefix(p, "host ") || p == "a host" {
				t.Notes = append(t.Notes, "All alerts are of "+p+".")
				return nil
			}
		}
	}
	var bands []svgBand
	open, depth, place := -1, 0, ""
	for i := range nodes {
		n := &nodes[i]
		goesOn := open >= 0 && (n.place == place && n.depth >= depth || n.place == "" && n.depth > depth)
		if !goesOn {
			open = -1
			if n.place != "" {
				open, depth, place = len(bands), n.depth, n.place
				bands = append(bands, svgBand{Label: n.place})
			}
		}
		n.band = open
	}
	return bands
}

func (n *node) box(y int) svgBox {
	v := svgBox{X: treeLeft + treeStep*min(n.depth, treeDepth), Y: y, Height: len(n.lines)*treeRow + 6}
	for i := range n.lines {
		x := &n.lines[i]
		l := svgLine{X: 10, Y: i*treeRow + 17}
		if x.Alerts > 0 {
			l.Class = svgClassOf(x.Class)
			l.X, l.MarkY = 28, i*treeRow+13
			l.Mark = svgMark(l.Class, 15, l.MarkY)
			v.Class = worseClass(l.Class, v.Class)
		}
		v.Telling = v.Telling || x.Telling
		l.Head, l.Rest = treeWords(x, treeWidth-v.X-l.X-12)
		l.Title = plainWords(x.Say.Spans, 3*titleMost)
		v.Width = max(v.Width, l.X+(uniseg.StringWidth(l.Head)*headTenths+uniseg.StringWidth(l.Rest)*restTenths)/10+12)
		v.Lines = append(v.Lines, l)
	}
	return v
}

// treeWords are the command line, as far as there is room, and our words on it.
func treeWords(x *report.Branch, room int) (head, rest string) {
	spans := merged(x.Say.Spans)
	shown := func(s evidence.Span) string {
		if !s.Value {
			return prose(s.Text)
		}
		if s.Text == "" {
			return noValue
		}
		return Visible(s.Text)
	}
	if len(spans) > 0 {
		head = shown(spans[0])
		for _, s := range spans[1:] {
			rest += shown(s)
		}
	}
	if n := len(x.Rows); n == 1 {
		rest += ", row " + ranges(x.Rows)
	} else if n > 1 {
		rest += ", rows " + ranges(x.Rows)
	}
	if x.Telling {
		rest += ", says most"
	}
	if short, left := cut(rest, restCells); left > 0 {
		rest = short + " …"
	}
	const more = " … 1234 more"
	least := max(headCells, (10*room-(len(more)+uniseg.StringWidth(rest))*restTenths)/headTenths)
	if short, left := cut(head, least); left > len(more) {
		head, rest = short, " … "+strconv.Itoa(left)+" more"+rest
	}
	return head, rest
}

func (t *svgTree) explain(nodes []node, left int) {
	used := map[string]bool{}
	named, raised, tops, jumps := 0, 0, 0, false
	for i, n := range nodes {
		if n.above < 0 {
			tops++
		} else if t.Boxes[i].Gap {
			jumps = true
		}
		if t.Boxes[i].Class == "" {
			named++
		} else {
			raised++
		}
		for _, l := range t.Boxes[i].Lines {
			if l.Class != "" {
				used[l.Class] = true
			}
		}
	}
	t.Keys = svgKeys(used)
	t.Desc = count(raised, "process that raised alerts", "processes that raised alerts") + " and " +
		count(named, "that is only named as an ancestor", "that are only named as ancestors") + ", in " +
		count(tops, "tree", "trees") + ". The list below says the same in words, with whole command lines."
	notes := []string{"?: what started it is in no alert."}
	if named > 0 {
		notes = append(notes, "Dashed box: named as an ancestor, without an alert of its own.")
	}
	if jumps {
		notes = append(notes, "Dashed line: there are others between.")
	}
	if raised > 0 {
		notes = append(notes, "Row: in the table of the timeline.")
	}
	t.Notes = append(notes, t.Notes...)
	if left > 0 {
		t.Notes = append(t.Notes, count(left, "line", "lines")+" beyond the first "+strconv.Itoa(treeLines)+" not drawn.")
	}
}
