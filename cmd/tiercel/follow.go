package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"github.com/google/renameio/v2"

	"github.com/tiercel/tiercel/server"
	"github.com/tiercel/tiercel/source"
)

// places is how far each followed file has been read, in a file of the data
// directory. A crash between a place and its alerts reads these again: they are
// known for repeats.
type places struct {
	mu   sync.Mutex
	file string
	of   map[string]source.Place
}

func readPlaces(dir string) (*places, error) {
	p := &places{file: filepath.Join(dir, "follow.json"), of: map[string]source.Place{}}
	text, err := os.ReadFile(p.file)
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &p.of)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.file, err)
	}
	return p, nil
}

func (p *places) set(name string, at source.Place) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.of[name] = at
	text, err := json.Marshal(p.of)
	if err != nil {
		return err
	}
	return renameio.WriteFile(p.file, text, 0o600)
}

// follow returns what starts to follow the files; that returns what waits for
// its end after the context.
func (c *serveCmd) follow(dir string, srv *server.Server, log *slog.Logger) (func(context.Context) func(), error) {
	p, err := readPlaces(dir)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) func() {
		ctx, stop := context.WithCancel(ctx)
		var wg sync.WaitGroup
		for _, name := range c.Follow {
			full, err := filepath.Abs(name)
			if err != nil {
				full = name
			}
			f := source.Follower{Name: full, From: p.of[full], Log: log, Take: func(ctx context.Context, lines []byte, at source.Place) error {
				if err := srv.TakeFile(ctx, lines); err != nil {
					return err
				}
				return p.set(full, at)
			}}
			wg.Go(func() {
				if err := f.Run(ctx); err != nil && ctx.Err() == nil {
					log.Error("a file is no longer followed", "file", full, "reason", err)
				}
			})
		}
		return func() {
			stop()
			wg.Wait()
		}
	}, nil
}
