package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/tiercel/tiercel/alert"
	"github.com/tiercel/tiercel/analysis"
	"github.com/tiercel/tiercel/condition"
	"github.com/tiercel/tiercel/knowledge"
)

func main() {
	set, problems := knowledge.ReadSet(os.DirFS("knowledge/data"))
	for _, p := range problems {
		fmt.Fprintln(os.Stderr, p)
	}
	c, err := knowledge.Compile(set)
	if err != nil {
		panic(err)
	}
	if os.Args[1] == "compile" {
		if err := os.WriteFile("knowledge/builtin/compiled.zip", c, 0o644); err != nil {
			panic(err)
		}
		return
	}
	if os.Args[1] == "lint" {
		for _, p := range set.Lint(nil) {
			fmt.Println(p)
		}
		return
	}
	b, err := knowledge.Open(c)
	if err != nil {
		panic(err)
	}
	if os.Args[1] == "bench" {
		if len(os.Args) > 2 && os.Args[2] != "" {
			old, _ := os.ReadFile(os.Args[2])
			if b, err = knowledge.Open(old); err != nil {
				panic(err)
			}
		}
		z := analysis.New(b, analysis.Options{})
		j := z.NewJudge()
		files, _ := filepath.Glob("testdata/*/*.jsonl")
		for range 3 {
			n, took := 0, time.Duration(0)
			for _, name := range files {
				f, _ := os.Open(name)
				for a, err := range alert.All(f, name, alert.Options{}) {
					if err != nil || a.Rule == "" {
						continue
					}
					start := time.Now()
					for range 30 {
						j.Judge(a)
					}
					took += time.Since(start)
					n += 30
				}
			}
			fmt.Println(len(b.Signs()), "signs", took/time.Duration(n), "per alert")
		}
		return
	}
	if os.Args[1] == "each" {
		took := map[string]time.Duration{}
		n := 0
		files, _ := filepath.Glob("testdata/*/*.jsonl")
		for _, name := range files {
			f, _ := os.Open(name)
			for a, err := range alert.All(f, name, alert.Options{}) {
				if err != nil || a.Rule == "" {
					continue
				}
				n++
				for _, s := range b.Signs() {
					start := time.Now()
					for range 30 {
						s.Cond.Truth(a)
					}
					took[s.ID] += time.Since(start)
				}
			}
		}
		for id, d := range took {
			fmt.Println(int(d)/n/30, id)
		}
		return
	}
	if os.Args[1] == "judge" {
		z := analysis.New(b, analysis.Options{})
		j := z.NewJudge()
		f, _ := os.Open(os.Args[2])
		for a, err := range alert.All(f, "x", alert.Options{}) {
			if err != nil {
				panic(err)
			}
			v := j.Judge(a)
			fmt.Println(v.Class, v.Score)
		}
		return
	}
	want, _ := strconv.Atoi(os.Args[2])
	f, _ := os.Open(os.Args[1])
	for a, err := range alert.All(f, os.Args[1], alert.Options{}) {
		if err != nil {
			panic(err)
		}
		if a.Origin.Line != want {
			continue
		}
		fmt.Println(a.Rule, b.Profile(a.Rule).Base)
		if e := b.Profile(a.Rule).EventGenerator; e != nil {
			fmt.Println("action", e.Cond.Truth(a))
		}
		for _, s := range b.Signs() {
			if t := s.Cond.Truth(a); t == condition.True {
				fmt.Println(s.Towards, s.Group, s.Weight, s.ID)
			}
		}
	}
}
