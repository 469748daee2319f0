// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package merkle

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Publisher brings checkpoints to where the log cannot change them.
type Publisher interface {
	// Publish brings the checkpoint there. prove gives the proof that its tree
	// goes on from that of an older size. What it gives back are lines of
	// signatures to keep with the checkpoint; may be empty.
	Publish(ctx context.Context, c *Checkpoint, signed []byte, prove func(old int64) (tlog.TreeProof, error)) (lines string, err error)
	// Name says where, for logs and metrics. It holds no secret.
	Name() string
}

// FileWitness appends checkpoints to a file, on another disk.
type FileWitness struct{ Path string }

// Name implements Publisher.
func (f FileWitness) Name() string { return f.Path }

// Publish implements Publisher.
func (f FileWitness) Publish(_ context.Context, _ *Checkpoint, signed []byte, _ func(int64) (tlog.TreeProof, error)) (string, error) {
	w, err := os.OpenFile(f.Path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return "", err
	}
	_, err = w.Write(append(signed, '\n')) // an empty line between two
	return "", errors.Join(err, w.Sync(), w.Close())
}

// HTTPWitness asks a witness to cosign (C2SP tlog-witness). It is for one
// goroutine.
type HTTPWitness struct {
	URL    string        // add-checkpoint is added to it
	Key    note.Verifier // the witness's public key
	Client *http.Client

	size int64 // that the witness has, as far as is known
}

// ErrWitness says that a witness does not cosign.
var ErrWitness = errors.New("the witness does not cosign the checkpoint")

// Name implements Publisher.
func (h *HTTPWitness) Name() string { return h.Key.Name() }

// Publish implements Publisher. A witness that has another size than was
// thought tells it; then it is asked once more.
func (h *HTTPWitness) Publish(ctx context.Context, c *Checkpoint, signed []byte, prove func(old int64) (tlog.TreeProof, error)) (string, error) {
	for try := 0; ; try++ {
		if h.size > c.Size {
			return "", fmt.Errorf("%w: it has seen %d records, and there are %d: %w", ErrWitness, h.size, c.Size, ErrForked)
		}
		proof, err := prove(h.size)
		if err != nil {
			return "", err
		}
		status, body, err := h.post(ctx, formatAdd(h.size, proof, signed))
		switch {
		case err != nil:
			return "", err
		case status == http.StatusOK:
			line := string(body)
			if at, ok := CosignedAt(append(textOf(signed), line...), h.Key); !ok || at.IsZero() {
				return "", fmt.Errorf("%w: its cosignature is not good", ErrWitness)
			}
			h.size = c.Size
			return line, nil
		case status == http.StatusConflict && try == 0:
			size, err := strconv.ParseInt(strings.TrimSuffix(string(body), "\n"), 10, 64)
			if err != nil || size < 0 || size == h.size {
				return "", fmt.Errorf("%w: it holds another history of the same size: %w", ErrWitness, ErrForked)
			}
			h.size = size
		default:
			return "", fmt.Errorf("%w: status %d", ErrWitness, status)
		}
	}
}

// textOf gives the text of a signed note and the empty line behind it.
func textOf(signed []byte) []byte {
	text, _, _ := bytes.Cut(signed, []byte("\n\n"))
	return append(bytes.Clone(text), "\n\n"...)
}

func (h *HTTPWitness) post(ctx context.Context, body []byte) (int, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(h.URL, "/")+"/add-checkpoint", bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	answer, err := h.Client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxNote))
	return answer.StatusCode, text, err
}

// ReadCheckpoints reads a file of signed checkpoints, one or several with an
// empty line between two.
func ReadCheckpoints(path string) ([][]byte, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err != nil {
		return nil, err
	}
	var all [][]byte
	blocks := strings.Split(strings.TrimRight(string(text), "\n"), "\n\n")
	// A note is its text, an empty line, and its signatures.
	if len(blocks)%2 != 0 {
		return nil, fmt.Errorf("%w: %s", ErrCheckpoint, path)
	}
	for i := 0; i < len(blocks); i += 2 {
		all = append(all, []byte(blocks[i]+"\n\n"+blocks[i+1]+"\n"))
	}
	return all, nil
}
