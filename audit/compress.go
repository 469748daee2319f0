// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"sync"

	"github.com/klauspost/compress/zstd"

	"durward/internal/pace"
)

// compressor makes files smaller once nothing is written to them any more. It
// looks at the directory each time, so that a crash or a failure leaves nothing
// undone for ever. It takes a small share of one processor, the smaller while
// records come (package pace): while they come faster than that, ended files wait
// as they are.
type compressor struct {
	dir  string
	log  *slog.Logger
	pace pace.Pace
	wake chan struct{} // capacity 1
	stop context.CancelFunc
	done chan struct{}

	// names is held while a file's name changes or goes, so that no file comes
	// back that was removed.
	names sync.Mutex
}

// maxWindow bounds the memory that reading a compressed file takes, whoever
// made it.
const maxWindow = 8 << 20

const (
	compressedSuffix = ".zst"
	partSuffix       = ".part"
)

// records counts those that are stored.
func startCompressor(dir string, log *slog.Logger, records func() uint64) *compressor {
	ctx, stop := context.WithCancel(context.Background())
	c := &compressor{dir: dir, log: log, pace: pace.Pace{Events: records}, wake: make(chan struct{}, 1), stop: stop, done: make(chan struct{})}
	go c.run(ctx)
	return c
}

// look makes it look for files to compress. It never blocks; a nil compressor
// does nothing.
func (c *compressor) look() {
	if c == nil {
		return
	}
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// close ends it, in the middle of a file if need be.
func (c *compressor) close() {
	if c == nil {
		return
	}
	c.stop()
	<-c.done
}

func (c *compressor) run(ctx context.Context) {
	defer close(c.done)
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.wake:
		}
		c.pace.Begin()
		files, err := listFiles(c.dir)
		for i := 0; err == nil && i < len(files)-1; i++ { // never the one that is written to
			err = c.compress(ctx, filePath(c.dir, files[i]))
		}
		if err != nil && ctx.Err() == nil {
			c.log.Warn("an audit file cannot be compressed; it stays as it is", slog.Any("error", err))
		}
	}
}

// compress puts a compressed file in the place of a plain one. What was written
// is read back before the plain one goes.
func (c *compressor) compress(ctx context.Context, path string) error {
	plain, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // compressed, or removed
	}
	if err != nil {
		return err
	}
	defer plain.Close()
	part := path + compressedSuffix + partSuffix
	sum, err := c.write(ctx, part, plain)
	if err == nil {
		err = c.check(ctx, part, sum)
	}
	if err != nil {
		return errors.Join(err, os.Remove(part))
	}
	c.names.Lock()
	defer c.names.Unlock()
	if _, err := os.Stat(path); err != nil {
		return os.Remove(part) // it expired meanwhile
	}
	if err := os.Rename(part, path+compressedSuffix); err != nil {
		return err
	}
	if err := (systemFiles{}).SyncDir(c.dir); err != nil {
		return err
	}
	return os.Remove(path)
}

// write writes and syncs what plain holds, and gives its SHA-256.
func (c *compressor) write(ctx context.Context, path string, plain io.Reader) (sum []byte, err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	digest := sha256.New()
	if err := writeFrames(f, io.TeeReader(&paced{ctx, plain, &c.pace}, digest)); err != nil {
		return nil, err
	}
	return digest.Sum(nil), f.Sync()
}

func (c *compressor) check(ctx context.Context, path string, sum []byte) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	r, err := newDecompressor(f)
	if err != nil {
		return err
	}
	defer r.Close()
	digest := sha256.New()
	if _, err := io.Copy(digest, &paced{ctx, r, &c.pace}); err != nil {
		return err
	}
	if !bytes.Equal(sum, digest.Sum(nil)) {
		return fmt.Errorf("%s: what was written is not what is read", path)
	}
	return nil
}

func newDecompressor(r io.Reader) (*zstd.Decoder, error) {
	return zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderLowmem(true))
}

// paced reads in pieces, at the pace of its reader, and ends when the log is
// closed.
type paced struct {
	ctx  context.Context
	r    io.Reader
	pace *pace.Pace
}

// mostAtOnce bounds a step of some tenths of a millisecond.
const mostAtOnce = frameSize

func (p *paced) Read(b []byte) (int, error) {
	if err := p.pace.Rest(p.ctx); err != nil {
		return 0, err
	}
	return p.r.Read(b[:min(len(b), mostAtOnce)])
}

// openContent opens a file of the log, whichever of its two forms there is. It
// tells whether it is compressed, and thus ended.
func openContent(path string) (r io.ReadCloser, compressed bool, err error) {
	f, err := os.Open(path)
	if err == nil {
		return f, false, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, false, err
	}
	if f, err = os.Open(path + compressedSuffix); err != nil {
		return nil, false, err
	}
	d, err := newDecompressor(f)
	if err != nil {
		return nil, false, errors.Join(err, f.Close())
	}
	return &compressedContent{d, f}, true, nil
}

type compressedContent struct {
	*zstd.Decoder
	f *os.File
}

func (c *compressedContent) Close() error {
	c.Decoder.Close()
	return c.f.Close()
}
