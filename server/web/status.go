package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/tiercel/tiercel/journal"
	"github.com/tiercel/tiercel/server"
	"github.com/tiercel/tiercel/store"
)

func encode(name, value string) string { return url.Values{name: {value}}.Encode() }

type statusView struct {
	Stats       store.Stats
	Lag         int
	Behind      time.Duration
	Analysing   bool
	Journal     *journal.Stats
	Waiting     uint64 // records in the journal
	DiskFree    uint64
	DiskKnown   bool
	Rate        string // of the latest alerts
	Latest      time.Time
	Letters     []letterRow
	NextLetters string
	Trail       []store.AuditEntry
	NextTrail   string
	Tokens      []store.Token
	Users       []store.User
	Version     string
	Hint        hint
	Warnings    []string
}

type letterRow struct {
	store.DeadLetter
	Text shortText
}

const (
	lettersShown = 20
	trailShown   = 50
	rateOver     = 200 // alerts
)

func (p *pages) showStatus(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := bounded(r)
	defer cancel()
	v := statusView{Version: p.opt.Version, Hint: hint{p.opt.Listen}, Analysing: p.opt.Live != nil}
	var err error
	if v.Stats, err = p.store.Stats(ctx); err != nil {
		return err
	}
	if p.opt.Live != nil {
		v.Lag, v.Behind = p.opt.Live.Lag()
	}
	if p.opt.Journal != nil {
		js := p.opt.Journal()
		v.Journal, v.Waiting = &js, uint64(js.Next)-min(uint64(js.Next), uint64(js.First))
		if js.Full {
			v.Warnings = append(v.Warnings, "The disk is full: alerts are refused with 503, and Falco does not send them again. Make room in the data folder.")
		}
	}
	if p.opt.DiskFree != nil {
		if v.DiskFree, err = p.opt.DiskFree(); err == nil {
			v.DiskKnown = true
		} else {
			p.log.Warn("the free space is not known", "reason", err)
		}
	}
	if v.Behind > time.Minute {
		v.Warnings = append(v.Warnings, "Analysis is "+span(v.Behind)+" behind. Nothing is lost: alerts wait in the journal.")
	}
	page, err := p.store.Alerts(ctx, store.Query{Limit: rateOver})
	if err != nil {
		return err
	}
	if n := len(page.Items); n > 0 {
		v.Latest = page.Items[0].Received
		if d := v.Latest.Sub(page.Items[n-1].Received); n > 1 && d > 0 {
			v.Rate = fmt.Sprintf("the latest %d came within %s: %s a second", n, span(d), rate(float64(n-1)/d.Seconds()))
		}
	}
	before := func(name string) int64 {
		n, _ := strconv.ParseInt(r.URL.Query().Get(name), 10, 64) // anything else is the first page
		return max(n, 0)
	}
	letters, older, err := latest(before("letters"), lettersShown, func(d store.DeadLetter) int64 { return d.ID },
		func(after int64, limit int) ([]store.DeadLetter, error) {
			return p.store.DeadLetters(ctx, after, limit)
		})
	if err != nil {
		return err
	}
	for _, d := range letters {
		v.Letters = append(v.Letters, letterRow{d, shorten(string(d.Raw), 2*shortMost)})
	}
	if older > 0 {
		v.NextLetters = fmt.Sprintf("/status?letters=%d#dead-letters", older)
	}
	if server.From(r.Context()).May(server.ScopeAdmin) {
		if err := p.addAdmin(ctx, &v, before("trail")); err != nil {
			return err
		}
	}
	return p.show(w, r, http.StatusOK, "status", "Status", v)
}

// addAdmin adds what only admins see.
func (p *pages) addAdmin(ctx context.Context, v *statusView, before int64) error {
	var older int64
	var err error
	v.Trail, older, err = latest(before, trailShown, func(e store.AuditEntry) int64 { return e.ID },
		func(after int64, limit int) ([]store.AuditEntry, error) { return p.store.AuditTrail(ctx, after, limit) })
	if err != nil {
		return err
	}
	if older > 0 {
		v.NextTrail = fmt.Sprintf("/status?trail=%d#trail", older)
	}
	tokens, err := p.store.Tokens(ctx)
	if err != nil {
		return err
	}
	for _, t := range tokens {
		if server.ForPrograms(t) {
			v.Tokens = append(v.Tokens, t)
		}
	}
	v.Users, err = p.store.Users(ctx)
	return err
}

// latest pages backwards through a list that the store gives forwards: the
// latest n with an id below before (0: all), the latest first. older is the
// before of the next page, 0 at the end.
func latest[T any](before int64, n int, id func(T) int64, get func(after int64, limit int) ([]T, error)) (list []T, older int64, err error) {
	beyond := func(after int64) (bool, error) {
		one, err := get(after, 1)
		return len(one) > 0 && (before == 0 || id(one[0]) < before), err
	}
	// Ids mostly follow one another: the first after which there is nothing is
	// found by doubling and halving, then the page by going back.
	low, high := int64(0), int64(1)
	for {
		more, err := beyond(high)
		if err != nil {
			return nil, 0, err
		}
		if !more {
			break
		}
		low, high = high, high*2
	}
	for low < high {
		mid := low + (high-low)/2
		more, err := beyond(mid)
		if err != nil {
			return nil, 0, err
		}
		if more {
			low = mid + 1
		} else {
			high = mid
		}
	}
	for step := int64(n); ; step *= 2 {
		from := max(0, high-step)
		if list, err = get(from, int(min(step, store.MaxPage))); err != nil {
			return nil, 0, err
		}
		list = slices.DeleteFunc(list, func(x T) bool { return before != 0 && id(x) >= before })
		if len(list) >= n || from == 0 || step >= store.MaxPage {
			break
		}
	}
	slices.Reverse(list)
	list = list[:min(len(list), n)]
	if len(list) == 0 {
		return nil, 0, nil
	}
	end := id(list[len(list)-1])
	first, err := get(0, 1)
	if err == nil && len(first) > 0 && id(first[0]) < end {
		older = end
	}
	return list, older, err
}

func rate(perSecond float64) string {
	switch {
	case perSecond >= 10:
		return fmt.Sprintf("%.0f", perSecond)
	case perSecond >= 0.1:
		return fmt.Sprintf("%.1f", perSecond)
	}
	return fmt.Sprintf("%.4f", perSecond)
}
