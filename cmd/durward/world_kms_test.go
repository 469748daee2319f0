// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/rand"

	"github.com/rogpeppe/go-internal/testscript"

	"durward/durwardtest"
)

func init() { commands["kms"] = (*world).cmdKMS }

// cmdKMS: "kms" runs a key management service until the script ends; $KMS and
// $KMS_TOKEN are its address and token.
func (w *world) cmdKMS(ts *testscript.TestScript, _ []string) error {
	t := durwardtest.NewTransit("s3cr3t-" + rand.Text())
	ts.Defer(t.Close)
	ts.Setenv("KMS", t.URL)
	ts.Setenv("KMS_TOKEN", t.Token)
	return nil
}
