package code

import (
	"errors"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/tiercel/tiercel/audit/expr"
	"github.com/tiercel/tiercel/audit/finding"
)

// session is a shell block, read: commands in their order.
type session struct {
	original     string // as it was given
	text         string // of the same length: prompts, output and placeholders blanked out
	base         int    // offset of what is being parsed
	placeholders [][2]int
	root         bool // a prompt, or an earlier command, says that root types
	console      bool // there are prompts
	commands     []*command
	functions    map[string]bool
	faults       []fault
	joins        [][2]int // starts of commands that a pipe joins
}

type fault struct {
	start, end int
	reason     string // "" : too much is wrong, not checked
}

var (
	prompt    = expr.New(`^[ \t]*(?:\([\w.-]+\)[ \t]*)?(?:\[?[\w.-]+@[\w.-]+[:\s]?[^\s$#\]]*\]?[ \t]?)?([$#❯➜])[ \t]+`)
	userAtTop = expr.New(`^[ \t]*\[?[\w.-]+@[\w.-]+[:\s]?[^\s$#\]]*\]?[ \t]?[$#]`)
	heredoc   = expr.New(`<<-?\s*['"\\]?(\w+)['"]?`)
)

// newSession blanks out what is no command.
func newSession(text, language string) *session {
	s := &session{original: text, functions: map[string]bool{}}
	masked := []byte(text)
	blank := func(from, to int) {
		for i := from; i < to; i++ {
			if masked[i] != '\n' {
				masked[i] = ' '
			}
		}
	}
	consoleTag := strings.Contains(language, "console") || strings.Contains(language, "session")
	dollar := false
	eachLine(text, func(from, to int) {
		if m := prompt.FindStringSubmatchIndex(text[from:to]); m != nil && (text[from+m[2]] != '#' || userAtTop.MatchString(text[from:to]) || consoleTag) {
			dollar = true
		}
	})
	s.console = dollar
	end, goesOn := "", false
	eachLine(text, func(from, to int) {
		if from == to {
			return
		}
		line := strings.TrimRight(text[from:to], "\r")
		if end != "" {
			if strings.TrimSpace(line) == end {
				end = ""
			}
			return
		}
		if dollar && !goesOn {
			m := prompt.FindStringSubmatchIndex(line)
			if m == nil || line[m[2]] == '#' && !userAtTop.MatchString(line) && !consoleTag {
				if !strings.HasPrefix(strings.TrimSpace(line), "#") {
					blank(from, to)
				}
				return
			}
			if line[m[2]] == '#' && userAtTop.MatchString(line) {
				s.root = true
			}
			blank(from, from+m[1])
			line = line[m[1]:]
		}
		goesOn = strings.HasSuffix(strings.TrimRight(line, " \t"), `\`)
		if goesOn && text[to-1] != '\\' {
			// Blanks behind the backslash: the writer meant the line to go on.
			blank(from+strings.LastIndexByte(text[from:to], '\\'), to)
			masked[to-1] = '\\'
		} else if text[max(from, to-1)] == '\r' {
			masked[to-1] = ' '
		}
		if m := heredoc.FindStringSubmatch(line); m != nil && !strings.HasPrefix(strings.TrimSpace(line), "#") {
			end = m[1]
		}
	})
	for _, re := range []*expr.Expr{angled} {
		for _, m := range re.FindAllIndex(masked, -1) {
			if m[0] > 0 && masked[m[0]-1] == '<' || m[1] < len(masked) && (isWordByte(masked[m[1]]) || masked[m[1]] == '(') {
				continue
			}
			s.placeholders = append(s.placeholders, [2]int{m[0], m[1]})
			for i := m[0]; i < m[1]; i++ {
				masked[i] = 'Z'
			}
		}
	}
	for _, m := range squared.FindAllIndex(masked, -1) {
		s.placeholders = append(s.placeholders, [2]int{m[0], m[1]})
		for i := m[0]; i < m[1]; i++ {
			masked[i] = 'Z'
		}
	}
	s.text = string(masked)
	return s
}

func isWordByte(b byte) bool {
	return b == '_' || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z'
}

// eachLine calls f with the bounds of each line, without its newline.
func eachLine(text string, f func(from, to int)) {
	for from := 0; from < len(text); {
		to := strings.IndexByte(text[from:], '\n')
		if to < 0 {
			f(from, len(text))
			return
		}
		f(from, from+to)
		from += to + 1
	}
}

// maxFaults bounds how often parsing starts anew in one block.
const maxFaults = 100

// maxNesting bounds how deep brackets, or compound commands, may nest: the
// parser calls itself for each.
const maxNesting = 500

var nesting = expr.New(`[({]|[)}]|\b(?:if|while|until|for|case|select)\b|\b(?:fi|done|esac)\b`)

func tooDeep(text string) bool {
	depth := 0
	for _, m := range nesting.FindAllString(text, -1) {
		switch m {
		case ")", "}", "fi", "done", "esac":
			depth = max(0, depth-1)
		default:
			depth++
		}
		if depth > maxNesting {
			return true
		}
	}
	return strings.Count(text, "`") > 2*maxNesting || strings.Count(text, "!") > 4*maxNesting
}

var errPanic = errors.New("the parser panicked")

// guard makes an error of a panic: the shell parser panics on some malformed texts.
func guard(f func() error) (err error) {
	defer func() {
		if recover() != nil {
			err = errPanic
		}
	}()
	return f()
}

// parse reads all commands; where the text does not parse it goes on with the
// next line.
func (s *session) parse() {
	if tooDeep(s.text) {
		s.faults = append(s.faults, fault{0, len(s.text), ""})
		return
	}
	parser := syntax.NewParser(syntax.Variant(syntax.LangBash))
	pos := 0
	for pos < len(s.text) {
		s.base = pos
		last := 0
		err := guard(func() error {
			for st, err := range parser.StmtsSeq(strings.NewReader(s.text[pos:])) {
				if err != nil {
					return err
				}
				s.stmt(st)
				last = int(st.End().Offset())
				syntax.Walk(st, func(n syntax.Node) bool {
					if r, ok := n.(*syntax.Redirect); ok && r.Hdoc != nil {
						last = max(last, int(r.Hdoc.End().Offset()))
					}
					return true
				})
			}
			return nil
		})
		if err == nil {
			return
		}
		from := pos + last
		// The statement that is wrong begins with the next line that has words.
		for from < len(s.text) {
			to := strings.IndexByte(s.text[from:], '\n')
			if to < 0 {
				to = len(s.text) - from
			}
			line := strings.TrimLeft(s.text[from:from+to], " \t\r;&|")
			if line != "" && line[0] != '#' {
				break
			}
			from += to + 1
		}
		if from >= len(s.text) {
			return
		}
		to := len(s.text)
		if i := strings.IndexByte(s.text[from:], '\n'); i >= 0 {
			to = from + i
		}
		reason := "does not parse"
		var at syntax.ParseError
		var lang syntax.LangError
		switch {
		case errors.As(err, &at):
			reason = at.Text
		case errors.As(err, &lang):
			reason = lang.Error()
		case errors.Is(err, errPanic):
			reason = ""
		}
		s.faults = append(s.faults, fault{from, to, reason})
		if len(s.faults) >= maxFaults {
			s.faults = append(s.faults, fault{to, len(s.text), ""})
			return
		}
		pos = to + 1
	}
}

// stmt collects the commands of a statement.
func (s *session) stmt(st *syntax.Stmt) {
	syntax.Walk(st, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.Stmt:
			s.simple(n)
		case *syntax.FuncDecl:
			s.functions[n.Name.Value] = true
		case *syntax.BinaryCmd:
			if n.Op == syntax.Pipe || n.Op == syntax.PipeAll {
				s.pipe(n)
			}
		}
		return true
	})
}

func (s *session) simple(st *syntax.Stmt) {
	c := &command{start: s.base + int(st.Pos().Offset()), end: s.base + int(st.Pos().Offset())}
	switch cmd := st.Cmd.(type) {
	case *syntax.CallExpr:
		c.words = s.words(cmd.Args)
		c.end = s.base + int(cmd.End().Offset())
		if len(cmd.Args) == 0 && len(st.Redirs) == 0 {
			return
		}
		if len(cmd.Args) > 0 && c.words[0].start > c.start && len(cmd.Assigns) == 0 && len(st.Redirs) == 0 {
			c.start = c.words[0].start // behind a !
		}
	case nil:
	case *syntax.DeclClause, *syntax.TestClause, *syntax.ArithmCmd, *syntax.LetClause, *syntax.FuncDecl, *syntax.TimeClause, *syntax.CoprocClause, *syntax.BinaryCmd:
		return
	default:
		if len(st.Redirs) == 0 {
			return
		}
		c.start = s.base + int(st.Redirs[0].Pos().Offset())
		c.end = c.start
	}
	for _, r := range st.Redirs {
		x := redir{op: r.Op.String(), target: s.word(r.Word), body: -1}
		if r.Hdoc != nil {
			x.body, x.bodyTo = s.base+int(r.Hdoc.Pos().Offset()), s.base+int(r.Hdoc.End().Offset())
		}
		c.redirs = append(c.redirs, x)
		c.end = max(c.end, x.target.end)
	}
	s.commands = append(s.commands, c)
}

// pipe notes, for later, that two statements are joined.
func (s *session) pipe(n *syntax.BinaryCmd) {
	s.joins = append(s.joins, [2]int{s.base + int(lastOf(n.X).Pos().Offset()), s.base + int(firstOf(n.Y).Pos().Offset())})
}

func lastOf(st *syntax.Stmt) *syntax.Stmt {
	for {
		b, ok := st.Cmd.(*syntax.BinaryCmd)
		if !ok {
			return st
		}
		st = b.Y
	}
}

func firstOf(st *syntax.Stmt) *syntax.Stmt {
	for {
		b, ok := st.Cmd.(*syntax.BinaryCmd)
		if !ok {
			return st
		}
		st = b.X
	}
}

func (s *session) join() {
	at := map[int]*command{}
	for _, c := range s.commands {
		at[c.start] = c
	}
	for _, j := range s.joins {
		if a, b := at[j[0]], at[j[1]]; a != nil && b != nil {
			a.after, b.before = b, a
		}
	}
}

// shell judges a block of commands.
func (k *check) shell() {
	s := newSession(k.text, strings.ToLower(k.b.Language))
	s.parse()
	s.join()
	for _, f := range s.faults {
		k.fault(s, f)
	}
	v := &viewer{check: k, session: s}
	for _, c := range s.commands {
		v.judge(c)
	}
}

func (k *check) fault(s *session, f fault) {
	switch {
	case f.reason == "":
		k.add(f.start, f.end, finding.Command, unchecked("Too much of this does not parse as shell; it was not checked."))
	case k.startsCommand(s.text[f.start:f.end]):
		k.add(f.start, f.end, finding.Command, broken(src("mvdan-sh"), "", "It does not parse as shell: {}.", f.reason))
	default:
		k.add(f.start, f.end, finding.Command, unchecked("Not a command; it was not checked."))
	}
}
