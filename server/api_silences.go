package server

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tiercel/tiercel/condition"
	"github.com/tiercel/tiercel/store"
)

type silenceJSON struct {
	ID        string     `json:"id"`
	Condition string     `json:"condition"`
	Why       string     `json:"why"`
	By        string     `json:"by"`
	Created   *time.Time `json:"created"`
	Until     *time.Time `json:"until"`
	Ended     *time.Time `json:"ended"`
}

func toSilence(x store.Silence) silenceJSON {
	return silenceJSON{strconv.FormatInt(x.ID, 10), x.Condition, x.Why, x.By, timeOrNull(x.Created), timeOrNull(x.Until), timeOrNull(x.Ended)}
}

func (s *Server) listSilences(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := bounded(r)
	defer cancel()
	p := query(r, "ended")
	ended := p.bool("ended")
	if p.err != nil {
		s.fail(w, r, p.err)
		return
	}
	all, err := s.store.Silences(ctx, ended)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.reply(w, r, list[silenceJSON]{Items: mapAll(all, toSilence)})
}

func (s *Server) postSilence(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := bounded(r)
	defer cancel()
	var in struct {
		Condition string    `json:"condition"`
		Why       string    `json:"why"`
		Until     time.Time `json:"until"`
	}
	if err := readJSON(r, &in); err != nil {
		s.fail(w, r, err)
		return
	}
	now := s.now().UTC()
	x := store.Silence{Condition: strings.TrimSpace(in.Condition), Why: strings.TrimSpace(in.Why), Until: in.Until.UTC(),
		By: From(r.Context()).By(), Created: now}
	if err := s.checkSilence(x); err != nil {
		s.fail(w, r, err)
		return
	}
	id, err := s.store.PutSilence(ctx, x)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	x.ID = id
	s.audit(ctx, x.By, "silence", fmt.Sprintf("silence %d", id), x.Condition+" until "+x.Until.Format(time.RFC3339)+": "+x.Why)
	writeJSON(w, http.StatusCreated, toSilence(x))
}

func (s *Server) checkSilence(x store.Silence) error {
	if x.Condition == "" || len(x.Condition) > maxCondition {
		return badf("condition: 1 to %d bytes", maxCondition)
	}
	if _, err := condition.Parse(x.Condition, s.opt.Definitions); err != nil {
		return badf("condition: %w", err)
	}
	if x.Why == "" {
		return badf("why: say why it is silenced")
	}
	if !x.Until.After(x.Created) {
		return badf("until: a time in the future is needed; a silence ends")
	}
	return checkWhy(x.Why)
}

func (s *Server) endSilence(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := bounded(r)
	defer cancel()
	id, err := pathID(r)
	if err == nil {
		err = s.store.EndSilence(ctx, id, From(r.Context()).By(), s.now().UTC())
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
