// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package merkle

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// OpenKey reads the key that checkpoints are signed with, and makes one when the
// file is not there. The file is readable by its owner only; it holds the
// private key in the form of signed notes. Beside it, in <path>.pub, stands the
// public one. origin names a new log; "" makes a name that no other log has.
func OpenKey(path, origin string) (note.Signer, string, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return makeKey(path, origin)
	}
	if err != nil {
		return nil, "", err
	}
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o077 != 0 {
		return nil, "", fmt.Errorf("%s: others than its owner can read the key", path)
	}
	lines := strings.Fields(string(text))
	if len(lines) != 2 {
		return nil, "", fmt.Errorf("%s: not a key file", path)
	}
	signer, err := note.NewSigner(lines[0])
	if err != nil {
		return nil, "", fmt.Errorf("%s: not a key file", path) // the error may quote the key
	}
	verifier, err := note.NewVerifier(lines[1])
	if err != nil || verifier.Name() != signer.Name() || verifier.KeyHash() != signer.KeyHash() {
		return nil, "", fmt.Errorf("%s: the public key is not that of the private one", path)
	}
	return signer, lines[1], nil
}

func makeKey(path, origin string) (note.Signer, string, error) {
	if origin == "" {
		var id [8]byte
		if _, err := rand.Read(id[:]); err != nil {
			return nil, "", err
		}
		origin = "durward/" + hex.EncodeToString(id[:])
	}
	private, public, err := note.GenerateKey(rand.Reader, origin)
	if err != nil {
		return nil, "", err
	}
	signer, err := note.NewSigner(private)
	if err != nil {
		return nil, "", err
	}
	if err := writeWhole(path, []byte(private+"\n"+public+"\n"), 0o600); err != nil {
		return nil, "", err
	}
	return signer, public, writeWhole(path+".pub", []byte(public+"\n"), 0o644)
}

// writeWhole replaces a file whole, and syncs it.
func writeWhole(path string, content []byte, mode fs.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	part := path + ".part"
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(part))
	}
	if err := os.Rename(part, path); err != nil {
		return err
	}
	return syncPath(filepath.Dir(path))
}
