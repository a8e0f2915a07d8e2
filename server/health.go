package server

import (
	"context"
	"io"
	"net/http"
	"strings"
	"time"
)

func handlePing(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, "pong\n")
}

// handleHealth says that the process answers, as Falcosidekick does.
func (s *Server) handleHealth(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"status": "ok"}`)
}

// handleReady says whether alerts can be kept and looked at.
func (s *Server) handleReady(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
	defer cancel()
	var wrong []string
	if _, err := s.store.Position(ctx); err != nil {
		s.log.Error("the store is not ready", "reason", err)
		wrong = append(wrong, "the store cannot be read")
	}
	if s.opt.Journal.Stats().Full {
		wrong = append(wrong, "the journal takes nothing: no space left")
	}
	if len(wrong) > 0 {
		writeError(w, http.StatusServiceUnavailable, "not_ready", strings.Join(wrong, "; "))
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"status": "ready", "analysis": s.opt.Live != nil})
}
