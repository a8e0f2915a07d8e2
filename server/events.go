package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// handleEvents sends what changes, as server-sent events, until the client or
// the server goes.
func (s *Server) handleEvents(w http.ResponseWriter, r *http.Request) {
	if s.streams.Add(1) > int64(s.limits.Subscribers) {
		s.streams.Add(-1)
		w.Header().Set("Retry-After", "30")
		writeError(w, http.StatusServiceUnavailable, "busy", "too many clients listen already")
		return
	}
	defer s.streams.Add(-1)
	var changes <-chan Change
	if s.opt.Live != nil {
		var cancel func()
		changes, cancel = s.opt.Live.Subscribe()
		defer cancel()
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	rc := http.NewResponseController(w)
	_ = rc.SetReadDeadline(time.Time{}) // nothing more is read
	send := func(text string) bool {
		_ = rc.SetWriteDeadline(time.Now().Add(10 * time.Second)) // without one a dead client ends by the next write
		_, err := fmt.Fprint(w, text)
		return err == nil && rc.Flush() == nil
	}
	if !send("retry: 3000\n\n") {
		return
	}
	beat := time.NewTicker(s.limits.Heartbeat)
	defer beat.Stop()
	for {
		text := ": still here\n\n"
		select {
		case <-r.Context().Done():
			return
		case <-s.closing:
			return
		case c, ok := <-changes:
			if !ok {
				return
			}
			b, err := json.Marshal(map[string]string{"incident": c.Incident, "seq": fmt.Sprint(c.Seq)})
			if err != nil {
				return
			}
			text = "event: change\ndata: " + string(b) + "\n\n"
		case <-beat.C:
			if !s.stillMay(r) {
				return
			}
		}
		if !send(text) {
			return
		}
	}
}

// stillMay reports whether who listens may still do so: a stream outlives a
// session or a token that is revoked.
func (s *Server) stillMay(r *http.Request) bool {
	id, err := s.people.identify(r)
	return err == nil && id.May(ScopeRead)
}
