// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package merkle

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"crypto/sha256"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Witness cosigns the checkpoints of logs that it knows, and of each log only
// those that go on from the last one that it cosigned (C2SP tlog-witness). It is
// an http.Handler of
//
//	POST /add-checkpoint       old size, consistency proof, checkpoint
//	GET  /checkpoint?origin=O  the last checkpoint of a log, with the cosignature
//
// and safe for concurrent use. Its state is a file for each log, written before
// a cosignature is given.
type Witness struct {
	dir    string
	signer note.Signer
	logs   map[string]note.Verifier // by origin

	mu sync.Mutex
}

// NewWitness makes a witness that keeps its state in dir.
func NewWitness(dir string, signer note.Signer, logs []note.Verifier) (*Witness, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	w := &Witness{dir: dir, signer: signer, logs: map[string]note.Verifier{}}
	for _, v := range logs {
		if w.logs[v.Name()] != nil {
			return nil, fmt.Errorf("the log %s is named twice", v.Name())
		}
		w.logs[v.Name()] = v
	}
	return w, nil
}

// path is the state of one log. An origin may hold any character.
func (w *Witness) path(origin string) string {
	sum := sha256.Sum256([]byte(origin))
	return filepath.Join(w.dir, hex.EncodeToString(sum[:16])+".checkpoint")
}

// last gives the last checkpoint of a log; of size 0 when there is none yet.
func (w *Witness) last(v note.Verifier) (*Checkpoint, []byte, error) {
	text, err := os.ReadFile(w.path(v.Name()))
	if errors.Is(err, fs.ErrNotExist) {
		return &Checkpoint{Origin: v.Name()}, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	c, _, err := Open(text, v)
	return c, text, err
}

// ServeHTTP implements http.Handler.
func (w *Witness) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasSuffix(r.URL.Path, "/add-checkpoint") && r.Method == http.MethodPost:
		w.add(rw, r)
	case strings.HasSuffix(r.URL.Path, "/checkpoint") && r.Method == http.MethodGet:
		w.show(rw, r)
	default:
		http.NotFound(rw, r)
	}
}

func (w *Witness) show(rw http.ResponseWriter, r *http.Request) {
	v := w.logs[r.URL.Query().Get("origin")]
	if v == nil {
		http.Error(rw, "unknown log", http.StatusNotFound)
		return
	}
	w.mu.Lock()
	_, text, err := w.last(v)
	w.mu.Unlock()
	if err != nil || text == nil {
		http.Error(rw, "no checkpoint", http.StatusNotFound)
		return
	}
	rw.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = rw.Write(text)
}

func (w *Witness) add(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, maxNote))
	if err != nil {
		http.Error(rw, "the request cannot be read", http.StatusBadRequest)
		return
	}
	old, proof, signed, err := parseAdd(body)
	if err != nil {
		http.Error(rw, err.Error(), http.StatusBadRequest)
		return
	}
	origin, _, _ := strings.Cut(string(signed), "\n")
	v := w.logs[origin]
	if v == nil {
		http.Error(rw, "unknown log", http.StatusNotFound)
		return
	}
	next, _, err := Open(signed, v)
	switch {
	case errors.Is(err, ErrSignature):
		http.Error(rw, "the checkpoint is not signed by the log", http.StatusForbidden)
		return
	case err != nil || old > next.Size:
		http.Error(rw, "not a checkpoint that can follow", http.StatusBadRequest)
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	last, _, err := w.last(v)
	if err != nil {
		http.Error(rw, "the witness cannot read its state", http.StatusInternalServerError)
		return
	}
	if last.Size != old || last.Size == next.Size && last.Size > 0 && last.Root != next.Root {
		rw.Header().Set("Content-Type", "text/x.tlog.size")
		rw.WriteHeader(http.StatusConflict)
		fmt.Fprintf(rw, "%d\n", last.Size)
		return
	}
	if err := CheckConsistent(last, next, proof); err != nil {
		http.Error(rw, "the proof does not show that the log goes on", http.StatusUnprocessableEntity)
		return
	}
	line, err := w.cosign(v, next, signed)
	if err != nil {
		http.Error(rw, "the witness cannot store the checkpoint", http.StatusInternalServerError)
		return
	}
	rw.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(rw, line)
}

// cosign stores the checkpoint and gives the line of the cosignature.
func (w *Witness) cosign(v note.Verifier, c *Checkpoint, signed []byte) (string, error) {
	n, err := note.Open(signed, note.VerifierList(v))
	if err != nil {
		return "", err
	}
	n.UnverifiedSigs = nil // of others, which nobody here has checked
	both, err := note.Sign(n, w.signer)
	if err != nil {
		return "", err
	}
	if err := writeWhole(w.path(c.Origin), both, 0o600); err != nil {
		return "", err
	}
	lines := strings.Split(strings.TrimSuffix(string(both), "\n"), "\n")
	for _, line := range lines {
		if strings.HasPrefix(line, "— "+w.signer.Name()+" ") {
			return line + "\n", nil
		}
	}
	return "", errors.New("the cosignature is missing")
}

// parseAdd reads the body of add-checkpoint.
func parseAdd(body []byte) (old int64, proof tlog.TreeProof, checkpoint []byte, err error) {
	head, rest, ok := strings.Cut(string(body), "\n\n")
	lines := strings.Split(head, "\n")
	size, isOld := strings.CutPrefix(lines[0], "old ")
	old, err = strconv.ParseInt(size, 10, 64)
	if !ok || !isOld || err != nil || old < 0 || strconv.FormatInt(old, 10) != size || len(lines) > 64 {
		return 0, nil, nil, errors.New("not a request of tlog-witness")
	}
	for _, line := range lines[1:] {
		var h tlog.Hash
		raw, err := base64.StdEncoding.Strict().DecodeString(line)
		if err != nil || len(raw) != len(h) {
			return 0, nil, nil, errors.New("a hash of the proof cannot be read")
		}
		copy(h[:], raw)
		proof = append(proof, h)
	}
	return old, proof, []byte(rest), nil
}

// formatAdd writes the body of add-checkpoint.
func formatAdd(old int64, proof tlog.TreeProof, checkpoint []byte) []byte {
	var b strings.Builder
	b.WriteString("old " + strconv.FormatInt(old, 10) + "\n")
	for _, h := range proof {
		b.WriteString(base64.StdEncoding.EncodeToString(h[:]) + "\n")
	}
	b.WriteString("\n")
	b.Write(checkpoint)
	return []byte(b.String())
}
