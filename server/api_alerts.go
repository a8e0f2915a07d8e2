package server

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tiercel/tiercel/store"
)

type alertJSON struct {
	Seq      string          `json:"seq"`
	Time     *time.Time      `json:"time"`
	Received *time.Time      `json:"received"`
	Kind     string          `json:"kind"`
	Repeat   bool            `json:"repeat"`
	Raw      json.RawMessage `json:"raw,omitempty"`        // the alert, its numbers exact
	Base64   string          `json:"raw_base64,omitempty"` // instead, for what is no JSON
}

func toAlert(a store.Alert) alertJSON {
	out := alertJSON{
		Seq: strconv.FormatUint(a.Seq, 10), Time: timeOrNull(a.Time), Received: timeOrNull(a.Received),
		Kind: strconv.FormatUint(a.Kind, 10), Repeat: a.Repeat,
	}
	if json.Valid(a.Raw) && utf8.Valid(a.Raw) {
		out.Raw = a.Raw
	} else {
		out.Base64 = base64.StdEncoding.EncodeToString(a.Raw)
	}
	return out
}

func (s *Server) listAlerts(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := bounded(r)
	defer cancel()
	q, err := storeQuery(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	page, err := s.store.Alerts(ctx, q)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.reply(w, r, list[alertJSON]{mapAll(page.Items, toAlert), page.Next})
}

func (s *Server) oneAlert(r *http.Request) (store.Alert, error) {
	ctx, cancel := bounded(r)
	defer cancel()
	seq, err := strconv.ParseUint(r.PathValue("seq"), 10, 64)
	if err != nil {
		return store.Alert{}, store.ErrNotFound
	}
	return s.store.Alert(ctx, seq)
}

func (s *Server) getAlert(w http.ResponseWriter, r *http.Request) {
	a, err := s.oneAlert(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.reply(w, r, toAlert(a))
}

// getRaw gives the alert's bytes as they came.
func (s *Server) getRaw(w http.ResponseWriter, r *http.Request) {
	a, err := s.oneAlert(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Disposition", fmt.Sprintf(`attachment; filename="alert-%d.json"`, a.Seq))
	s.send(w, r, "application/octet-stream", a.Raw)
}

func (s *Server) readKinds(ctx context.Context) ([]store.Kind, error) {
	_, kinds, err := s.store.Live(ctx, s.now().Add(-noiseSince))
	s.kindsCut.Store(errors.Is(err, store.ErrCut))
	if err != nil && !errors.Is(err, store.ErrCut) {
		return nil, err
	}
	slices.SortFunc(kinds, func(a, b store.Kind) int {
		if a.Count != b.Count {
			return b.Count - a.Count
		}
		return strings.Compare(a.Key, b.Key)
	})
	return kinds, nil
}

func (s *Server) listNoise(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := bounded(r)
	defer cancel()
	p := query(r, "limit")
	limit := p.limit()
	if p.err != nil {
		s.fail(w, r, p.err)
		return
	}
	kinds, err := s.kinds.value(ctx)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.reply(w, r, map[string]any{
		"items": mapAll(kinds[:min(limit, len(kinds))], toKind), "kinds": len(kinds), "cut": s.kindsCut.Load(),
		"since": s.now().Add(-noiseSince).UTC().Truncate(time.Hour),
	})
}
