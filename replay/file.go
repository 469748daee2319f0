// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"bufio"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A file begins with magic and a salt, from which its key is derived. Then
// come records, each a length (4 bytes, big-endian) and that many bytes of
// AES-256-GCM. The nonce is the record's number, so that a record that is
// taken out, put in or moved is found.
const (
	magic    = "durward-recording-1\n"
	saltSize = 16
	maxEntry = 4 << 20
	suffix   = ".rec"
)

// Errors of a recording.
var (
	// ErrKey says that a file was not made with this key.
	ErrKey = errors.New("the recording was made with another key, or was changed")
	// ErrFormat says that a file is no recording.
	ErrFormat = errors.New("not a recording")
)

// sealer encrypts or decrypts the records of one file, in their order.
type sealer struct {
	aead  cipher.AEAD
	count uint64
}

func newSealer(key, salt []byte) (*sealer, error) {
	own, err := hkdf.Key(sha256.New, key, salt, "durward recording", keySize)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(own)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	return &sealer{aead: aead}, err
}

func (s *sealer) nonce() []byte {
	n := make([]byte, s.aead.NonceSize())
	binary.BigEndian.PutUint64(n[len(n)-8:], s.count)
	s.count++
	return n
}

// writer appends records to a new file.
type writer struct {
	f      *os.File
	buf    *bufio.Writer
	sealer *sealer
	size   int64
}

func createFile(path string, key []byte) (*writer, error) {
	salt := make([]byte, saltSize)
	rand.Read(salt)
	s, err := newSealer(key, salt)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	w := &writer{f: f, buf: bufio.NewWriterSize(f, 64<<10), sealer: s, size: int64(len(magic) + saltSize)}
	_, err = w.buf.WriteString(magic)
	if err == nil {
		_, err = w.buf.Write(salt)
	}
	return w, err
}

func (w *writer) write(r *Record) error {
	plain, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if len(plain) > maxEntry {
		return fmt.Errorf("a record of %d bytes", len(plain))
	}
	sealed := w.sealer.aead.Seal(nil, w.sealer.nonce(), plain, nil)
	var size [4]byte
	binary.BigEndian.PutUint32(size[:], uint32(len(sealed)))
	if _, err := w.buf.Write(size[:]); err != nil {
		return err
	}
	_, err = w.buf.Write(sealed)
	w.size += int64(len(size) + len(sealed))
	return err
}

func (w *writer) close() error { return errors.Join(w.buf.Flush(), w.f.Close()) }

// Read gives the records below directory, oldest file first, to use. It ends
// with the first error that use gives. A file that ends within a record, as one
// does that is being written or whose writer was killed, ends there.
func Read(directory string, key []byte, use func(*Record) error) error {
	names, err := files(directory)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := readFile(filepath.Join(directory, name), key, use); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// files lists the files of a recording, the oldest first.
func files(directory string) ([]string, error) {
	entries, err := os.ReadDir(directory)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), suffix) && e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

func readFile(path string, key []byte, use func(*Record) error) error {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil // it was the oldest, and went
	}
	if err != nil {
		return err
	}
	defer f.Close()
	return readFrom(bufio.NewReaderSize(f, 64<<10), key, use)
}

func readFrom(in io.Reader, key []byte, use func(*Record) error) error {
	head := make([]byte, len(magic)+saltSize)
	if _, err := io.ReadFull(in, head); err != nil {
		return torn(err)
	}
	if string(head[:len(magic)]) != magic {
		return ErrFormat
	}
	s, err := newSealer(key, head[len(magic):])
	if err != nil {
		return err
	}
	for {
		var size [4]byte
		if _, err := io.ReadFull(in, size[:]); err != nil {
			return torn(err)
		}
		n := binary.BigEndian.Uint32(size[:])
		if n > maxEntry+uint32(s.aead.Overhead()) {
			return ErrFormat
		}
		sealed := make([]byte, n)
		if _, err := io.ReadFull(in, sealed); err != nil {
			return torn(err)
		}
		plain, err := s.aead.Open(sealed[:0], s.nonce(), sealed, nil)
		if err != nil {
			return ErrKey
		}
		var r Record
		if err := json.Unmarshal(plain, &r); err != nil {
			return fmt.Errorf("%w: %v", ErrFormat, err)
		}
		if err := use(&r); err != nil {
			return err
		}
	}
}

// torn is nil for the end of a file, wherever it comes.
func torn(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}
