package server

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tiercel/tiercel/server/envelope"
	"github.com/tiercel/tiercel/store"
)

type deadLetterJSON struct {
	ID       string     `json:"id"`
	Received *time.Time `json:"received"`
	From     string     `json:"from"`
	Reason   string     `json:"reason"`
	Bytes    int        `json:"bytes"`
	Text     string     `json:"text"` // what is no UTF-8 is replaced; raw_base64 is exact
	Base64   string     `json:"raw_base64"`
	Replayed *time.Time `json:"replayed"`
}

func toDeadLetter(d store.DeadLetter) deadLetterJSON {
	return deadLetterJSON{
		ID: strconv.FormatInt(d.ID, 10), Received: timeOrNull(d.Received), From: d.From, Reason: d.Reason, Bytes: len(d.Raw),
		Text: strings.ToValidUTF8(string(d.Raw), "\ufffd"), Base64: base64.StdEncoding.EncodeToString(d.Raw), Replayed: timeOrNull(d.Replayed),
	}
}

func (s *Server) listDeadLetters(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := bounded(r)
	defer cancel()
	after, limit, err := pageAfter(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	all, err := s.store.DeadLetters(ctx, after, limit)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	next := nextAfter(all, limit, func(d store.DeadLetter) int64 { return d.ID })
	s.reply(w, r, list[deadLetterJSON]{mapAll(all, toDeadLetter), next})
}

// replayDeadLetter tries again whether it is an alert.
func (s *Server) replayDeadLetter(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := bounded(r)
	defer cancel()
	id, err := pathID(r)
	var found []store.DeadLetter
	if err == nil {
		found, err = s.store.DeadLetters(ctx, id-1, 1)
	}
	if err == nil && (len(found) == 0 || found[0].ID != id) {
		err = store.ErrNotFound
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	who := From(r.Context())
	t := s.newTaking(envelope.Envelope{Received: found[0].Received, Way: envelope.Replay, Token: who.TokenID, From: remoteAddr(r)})
	if err := t.all(ctx, &once{r: &limited{r: bytes.NewReader(found[0].Raw), left: s.limits.Body}}); err != nil {
		s.answer(w, r, t, err)
		return
	}
	if t.receipt.Accepted == 0 {
		writeError(w, http.StatusConflict, "no_alert", "it is no alert still: "+firstReason(t.receipt))
		return
	}
	if err := s.store.MarkReplayed(ctx, id, s.now().UTC()); err != nil {
		s.fail(w, r, err)
		return
	}
	s.audit(ctx, who.By(), "replay", fmt.Sprintf("dead letter %d", id), fmt.Sprintf("%d accepted", t.receipt.Accepted))
	s.writeReceipt(w, http.StatusOK, &t.receipt)
}

func firstReason(rec Receipt) string {
	if len(rec.Rejected) == 0 {
		return "it is empty"
	}
	return rec.Rejected[0].Reason
}
