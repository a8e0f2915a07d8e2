package audit

import (
	"slices"
	"strings"

	"github.com/tiercel/tiercel/audit/expr"
	"github.com/tiercel/tiercel/audit/finding"
	"github.com/tiercel/tiercel/knowledge/catalogue"
	"github.com/tiercel/tiercel/knowledge/claims"
)

// products finds claims about what kind of thing a product is.
type products struct {
	byName  map[string]*catalogue.Product
	capital map[string]bool // names that are written with capitals: "Vector" is one, "vector" is a word
	longest int             // words of the longest name
	kinds   []*claims.Kind
	phrases []*expr.Expr // for each kind
}

// toolWords may stand between what a product is said to be and its name.
const toolWords = `(?:[ ,(-]+(?:tools?|solutions?|software|platforms?|systems?|products?|services?|agents?|frameworks?|utilit(?:y|ies)|capabilities|stacks?|suites?|engines?|options?|applications?|programs?|technolog(?:y|ies)|mechanisms?|dedicated|speciali[sz]ed|robust|with|using|through|via))*`

var (
	listed  = expr.New(`^` + toolWords + `[ ,(]+(?:like|such as|including|e\.g\.?,?|for example,?|for instance,?|namely|i\.e\.?,?)[: ]+`)
	listEnd = expr.New(`\b(?:to|for|that|which|in order|so|can|will|is|are|on|from|into|by|as|should|could|helps?|provides?|allows?)\b|[.;:]`)
	isA     = expr.New(`(?:\bis|\bare|,|\()\s+(?:an? |the )?(?:[a-z-]+ ){0,3}$`)
)

func newProducts(c *claims.Claims, list []*catalogue.Product) *products {
	p := &products{byName: map[string]*catalogue.Product{}, capital: map[string]bool{}, kinds: c.Kinds}
	for _, x := range list {
		for _, n := range x.Names {
			low := strings.ToLower(n)
			p.byName[low] = x
			p.capital[low] = low != n
			p.longest = max(p.longest, len(strings.Fields(n)))
		}
	}
	for _, k := range c.Kinds {
		p.phrases = append(p.phrases, expr.New(`\b(?:`+strings.Join(k.Phrases, "|")+`)\b`))
	}
	return p
}

// named is a product within a sentence, in bytes of its plain text.
type namedProduct struct {
	*catalogue.Product
	name       string
	start, end int
}

var productWord = expr.New(`[a-z0-9]+(?:[-./][a-z0-9]+)*`)

// in finds products in a text.
func (p *products) in(plain string) []namedProduct {
	words := productWord.FindAllStringIndex(plain, -1)
	var out []namedProduct
	for i := 0; i < len(words); i++ {
		for n := min(p.longest, len(words)-i); n > 0; n-- {
			start, end := words[i][0], words[i+n-1][1]
			if end-start > 40 {
				continue
			}
			if x, ok := p.byName[plain[start:end]]; ok {
				out = append(out, namedProduct{x, plain[start:end], start, end})
				i += n - 1
				break
			}
		}
	}
	return out
}

// productClaims judges "log analysis tools like Splunk" and "psutil is a
// monitoring tool".
func (r *run) productClaims(s *sentence) {
	p := r.products
	found := p.in(s.plain)
	if len(found) == 0 || !toolHint.MatchString(s.plain) {
		return
	}
	said := map[int][]string{} // product of found: kinds that it is said to be
	note := func(i int, kinds []string) { said[i] = append(said[i], kinds...) }
	for k, re := range p.phrases {
		for _, m := range re.FindAllStringIndex(s.plain, -1) {
			if l := listed.FindStringIndex(s.plain[m[1]:]); l != nil {
				from := m[1] + l[1]
				to := len(s.plain)
				if e := listEnd.FindStringIndex(s.plain[from:]); e != nil {
					to = from + e[0]
				}
				for i := range found {
					if found[i].start >= from && found[i].end <= to {
						note(i, p.kinds[k].Kinds)
					}
				}
			}
			for i := range found {
				gap := ""
				if found[i].end < m[0] && m[0]-found[i].end < 60 {
					gap = s.plain[found[i].end:m[0]]
				}
				if gap != "" && isA.MatchString(gap) && !strings.ContainsAny(strings.TrimRight(gap, " "), ".;") && isTool(s.plain[m[1]:], gap) {
					note(i, p.kinds[k].Kinds)
				}
			}
		}
	}
	for i, kinds := range said {
		r.product(s, &found[i], kinds)
	}
}

var (
	toolHint  = expr.New(`\b(?:like|such as|including|e\.g|for example|for instance|namely|is an?|are|tools?|solutions?|software|platforms?)\b`)
	toolBegin = expr.New(`^[ -]*(?:tool|solution|software|platform|system|product|service|agent|framework|utilit|suite|engine|application|program|daemon|librar)`)
)

// isTool reports whether "X is a log analysis …" ends in a word for a product.
func isTool(behind, gap string) bool {
	return toolBegin.MatchString(behind) && (strings.Contains(gap, "is") || strings.Contains(gap, "are") || strings.Contains(gap, ",") || strings.Contains(gap, "("))
}

func (r *run) product(s *sentence, p *namedProduct, kinds []string) {
	start, end := s.place(p.start, p.end)
	name := s.in.text[start:end]
	if s.negates(p.start) || r.products.capital[p.name] && s.in.form != comment && len(s.in.codeIn(start, end)) == 0 && strings.ToLower(name) == name {
		return
	}
	reason := say(quoted(name), " is "+p.Is+".")
	for _, ref := range p.Sources {
		cite(&reason, source(ref))
	}
	if len(reason.Evidence) == 0 {
		cite(&reason, source("catalogue"))
	}
	for _, k := range kinds {
		if slices.Contains(p.Kinds, k) {
			r.add(s.in, start, end, finding.Identity, finding.Supported, reason, "")
			return
		}
	}
	r.add(s.in, start, end, finding.Identity, finding.Contradicted, reason, "")
}
