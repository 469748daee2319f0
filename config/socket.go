// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"path/filepath"

	"durward/internal/strictyaml"
)

// ControlSocket reads admin.socket alone. The rest of the document may have
// faults: it is for the gateway that runs on it to say so.
func ControlSocket(path string, env func(string) (string, bool)) (string, error) {
	data, err := readFile(path, maxDocument)
	if err != nil {
		return "", strictyaml.Errors{{File: path, Reason: "cannot be read: " + err.Error()}}
	}
	var c Config
	if _, err := strictyaml.Decode(data, &c, strictyaml.Options{Name: path, Env: env}); err != nil && c.Admin.Socket == "" {
		return "", err
	}
	if c.Admin.Socket == "" || filepath.IsAbs(c.Admin.Socket) {
		return c.Admin.Socket, nil
	}
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, c.Admin.Socket), nil
}
