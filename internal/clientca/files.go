// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package clientca

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// Limits of the files, in bytes and numbers.
const (
	maxCAFile  = 4 << 20
	maxCRLFile = 64 << 20
	maxCAs     = 1000
	MaxCRLs    = 16 // files
)

// Files are where the authorities and revocation lists stand.
type Files struct {
	CA  string   // PEM; each certificate in it is a trust anchor
	CRL []string // PEM or DER, complete lists; none means that nothing is ever revoked
}

// state is what the files said. It is immutable.
type state struct {
	generation uint64
	pool       *x509.CertPool
	lists      []*list
	needLists  bool  // revocation lists are configured
	fault      error // the files cannot be read, so nobody is trusted
}

// stamp tells one state of a file from another.
type stamp struct {
	modified time.Time
	size     int64
}

func (f *Files) stamps() []stamp {
	out := make([]stamp, 0, 1+len(f.CRL))
	for _, name := range append([]string{f.CA}, f.CRL...) {
		var s stamp
		if info, err := os.Stat(name); err == nil {
			s = stamp{info.ModTime(), info.Size()}
		}
		out = append(out, s)
	}
	return out
}

// read gives the state of the files, or every fault of them.
func (f *Files) read() (*state, error) {
	cas, err := readCA(f.CA)
	faults := []error{err}
	s := &state{pool: x509.NewCertPool(), needLists: len(f.CRL) > 0}
	for _, c := range cas {
		s.pool.AddCert(c)
	}
	for _, name := range f.CRL {
		lists, err := readCRL(name, cas)
		faults = append(faults, err)
		s.lists = append(s.lists, lists...)
	}
	return s, errors.Join(faults...)
}

func readCA(name string) ([]*x509.Certificate, error) {
	data, err := readFile(name, maxCAFile)
	if err != nil {
		return nil, err
	}
	blocks, err := pemBlocks(data, "CERTIFICATE", maxCAs)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	var all []*x509.Certificate
	for i, der := range blocks {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("%s: certificate %d: %w", name, i+1, err)
		}
		if !c.BasicConstraintsValid || !c.IsCA || c.KeyUsage != 0 && c.KeyUsage&x509.KeyUsageCertSign == 0 {
			return nil, fmt.Errorf("%s: certificate %d may not sign certificates, so it is no authority", name, i+1)
		}
		all = append(all, c)
	}
	return all, nil
}

// readFile reads a file of at most limit bytes.
func readFile(name string, limit int64) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s: is larger than %d bytes", name, limit)
	}
	return data, nil
}

// pemBlocks gives the content of the blocks of one type. Text around them is
// ignored; a block of another type, or half a block, is an error.
func pemBlocks(data []byte, kind string, most int) ([][]byte, error) {
	var out [][]byte
	for {
		block, rest := pem.Decode(data)
		if block == nil {
			break
		}
		if block.Type != kind {
			return nil, fmt.Errorf("has a block that is not %q", kind)
		}
		if out = append(out, block.Bytes); len(out) > most {
			return nil, fmt.Errorf("has more than %d blocks", most)
		}
		data = rest
	}
	switch {
	case bytes.Contains(data, []byte("-----BEGIN")):
		return nil, errors.New("ends within a PEM block, or has one that cannot be read")
	case len(out) == 0:
		return nil, fmt.Errorf("has no block %q", kind)
	}
	return out, nil
}
