package main

import (
	"io"
	"os"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/tiercel/tiercel/source"
)

// progressFrom is the size in bytes from which a bar is worth showing.
const progressFrom = 32 << 20

// progress shows on a terminal how far a large input is read.
type progress struct {
	bars *mpb.Progress
	open []*mpb.Bar
}

func newProgress(out *os.File, files []string, quiet bool) *progress {
	p := &progress{}
	if !quiet && isTerminal(out) && sizeOf(files) >= progressFrom {
		p.bars = mpb.New(mpb.WithOutput(out), mpb.WithWidth(60))
	}
	return p
}

// sizeOf is how much there is to read, in bytes; pipes count nothing.
func sizeOf(files []string) (size int64) {
	for _, name := range files {
		if info, err := os.Stat(name); err == nil {
			size += info.Size()
		}
	}
	return size
}

// wrap counts what is read of f.
func (p *progress) wrap(f *source.File) io.ReadCloser {
	if p.bars == nil || f.Size == 0 {
		return f
	}
	bar := p.bars.AddBar(f.Size, mpb.BarRemoveOnComplete(),
		mpb.PrependDecorators(decor.Name(printable(f.Name)+" "), decor.Percentage()),
		mpb.AppendDecorators(decor.CountersKibiByte("% .0f / % .0f")))
	p.open = append(p.open, bar)
	r, err := bar.ProxyReader(f)
	if err != nil {
		return f // a bar that cannot run is no reason not to read
	}
	return r
}

func (p *progress) end() {
	if p.bars == nil {
		return
	}
	for _, bar := range p.open {
		bar.Abort(true)
	}
	p.bars.Wait()
}
