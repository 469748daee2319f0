// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package seal

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// keySize is that of every key here, in bytes.
const keySize = 32

// ErrMaster says that the master key is not that of the keys file.
var ErrMaster = errors.New("the master key does not open the keys file")

// Master wraps the one key from which all others are protected. Implementations
// are safe for concurrent use and give up when ctx ends.
type Master interface {
	Wrap(ctx context.Context, key []byte) (wrapped []byte, err error)
	Unwrap(ctx context.Context, wrapped []byte) (key []byte, err error)
}

// ParseKey reads a master key: 32 bytes in base64 or hexadecimal digits. No
// error holds any of it.
func ParseKey(text string) ([]byte, error) {
	text = strings.TrimSpace(text)
	if len(text) == hex.EncodedLen(keySize) {
		if b, err := hex.DecodeString(text); err == nil {
			return b, nil
		}
	}
	text = strings.TrimRight(text, "=")
	for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		if b, err := e.DecodeString(text); err == nil && len(b) == keySize {
			return b, nil
		}
	}
	return nil, errors.New("must be 32 bytes in base64 or hexadecimal digits, such as from: openssl rand -base64 32")
}

// master gives what the configuration names.
func (c *Config) master() (Master, error) {
	if c.KMS != nil {
		return newTransit(c.KMS)
	}
	key, err := ParseKey(c.MasterKey)
	if err != nil {
		return nil, err
	}
	return newLocal(key)
}

// local is a master key in this process.
type local struct{ aead cipher.AEAD }

func newLocal(key []byte) (*local, error) {
	aead, err := derive(key, "durward audit master 1")
	return &local{aead}, err
}

const rootContext = "durward audit root 1"

func (l *local) Wrap(_ context.Context, key []byte) ([]byte, error) {
	return wrap(l.aead, key, rootContext), nil
}

func (l *local) Unwrap(_ context.Context, wrapped []byte) ([]byte, error) {
	key, err := unwrap(l.aead, wrapped, rootContext)
	if err != nil {
		return nil, ErrMaster
	}
	return key, nil
}

// derive makes an AES-256-GCM key for one use of another key.
func derive(key []byte, use string) (cipher.AEAD, error) {
	own, err := hkdf.Key(sha256.New, key, nil, use, keySize)
	if err != nil {
		return nil, err
	}
	return newAEAD(own)
}

func newAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// wrap encrypts a key under a random nonce. There is one for each subject or
// address, far from the 2^32 after which random nonces of one key may meet.
func wrap(aead cipher.AEAD, key []byte, bound string) []byte {
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(key)+aead.Overhead())
	rand.Read(nonce)
	return aead.Seal(nonce, nonce, key, []byte(bound))
}

func unwrap(aead cipher.AEAD, wrapped []byte, bound string) ([]byte, error) {
	n := aead.NonceSize()
	if len(wrapped) != n+keySize+aead.Overhead() {
		return nil, fmt.Errorf("a wrapped key has %d bytes", len(wrapped))
	}
	return aead.Open(nil, wrapped[:n], wrapped[n:], []byte(bound))
}
