// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package console

import (
	"net"
	"os"
	"path/filepath"
	"sync"
)

// bindPrivately makes the socket in a folder that only the owner can enter and
// moves it to its place afterwards, so that there is no moment at which
// somebody else could connect. (A umask would change the whole process.)
func bindPrivately(path string) (net.Listener, error) {
	dir, err := os.MkdirTemp(filepath.Dir(path), ".s")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	inner := filepath.Join(dir, "s")
	ln, err := net.Listen("unix", inner)
	if err != nil {
		return nil, err
	}
	ln.(*net.UnixListener).SetUnlinkOnClose(false)
	if err = os.Chmod(inner, 0o600); err == nil {
		err = os.Rename(inner, path)
	}
	if err != nil {
		ln.Close()
		return nil, err
	}
	return &socketListener{Listener: ln, path: path}, nil
}

// socketListener removes its file when it is closed.
type socketListener struct {
	net.Listener
	path string
	once sync.Once
}

// Close removes the file once: a second time it may be a successor's.
func (l *socketListener) Close() error {
	l.once.Do(func() { os.Remove(l.path) })
	return l.Listener.Close()
}
