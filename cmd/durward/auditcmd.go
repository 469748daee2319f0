// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"durward/audit"
	"durward/audit/merkle"
)

type auditCmd struct {
	Verify     auditVerifyCmd     `cmd:"" help:"Check an audit log or a copy of it, offline: every record, its chain, its tree, its checkpoints."`
	Prove      auditProveCmd      `cmd:"" help:"Write a proof that a record is in the log."`
	CheckProof auditCheckProofCmd `cmd:"" help:"Check a proof without the log, and print the record."`
	Erase      auditEraseCmd      `cmd:"" help:"Forget a subject or an address: destroy the key that their records are sealed with."`
	Rekey      auditRekeyCmd      `cmd:"" help:"Put another master key in place of the one that protects the keys of sealed records."`
	Witness    auditWitnessCmd    `cmd:"" help:"Serve as a witness: cosign the checkpoints of other gateways' logs."`
	Search     auditSearchCmd     `cmd:"" help:"Find records by who, what, where, when and how it ended; the newest first."`
	Tail       auditTailCmd       `cmd:"" help:"Print the last records, and with -f what comes."`
	Context    auditContextCmd    `cmd:"" help:"Print what else the one who made a request did around that time."`
	Show       auditShowCmd       `cmd:"" help:"Print one record whole."`
	Export     auditExportCmd     `cmd:"" help:"Write records to standard output, as JSON lines, CSV or OCSF events."`
	Reindex    auditReindexCmd    `cmd:"" help:"Make the index of a log anew."`
}

type auditVerifyCmd struct {
	Directory  string   `arg:"" default:"audit" help:"The log's directory."`
	Key        string   `help:"Public key of the log's checkpoints, or a file that has it; without it the log's own word is taken." placeholder:"KEY"`
	Checkpoint []string `help:"A file of checkpoints that were kept elsewhere: the log must go on from each." placeholder:"FILE"`
	Witness    []string `help:"A witness to ask for the last checkpoint that it cosigned." placeholder:"URL"`
}

func (c *auditVerifyCmd) Run(ctx context.Context, s streams) error {
	expect := audit.Expect{}
	var err error
	if expect.Key, err = keyText(c.Key); err != nil {
		return err
	}
	for _, path := range c.Checkpoint {
		all, err := merkle.ReadCheckpoints(path)
		if err != nil {
			return err
		}
		expect.Checkpoints = append(expect.Checkpoints, all...)
	}
	for _, witness := range c.Witness {
		text, err := askWitness(ctx, c.Directory, expect.Key, witness)
		if err != nil {
			return fmt.Errorf("witness %s: %w", plain(witness), err)
		}
		expect.Checkpoints = append(expect.Checkpoints, text)
	}
	report, err := audit.VerifyAgainst(c.Directory, expect)
	if err != nil {
		return err
	}
	files := "files"
	if report.Files == 1 {
		files = "file"
	}
	fmt.Fprintf(s.out, "%d records in %d %s: the chain is whole\n", report.Records, report.Files, files)
	fmt.Fprintf(s.out, "record %d has the hash %s\n", report.Last, report.Hash)
	if report.Origin == "" {
		fmt.Fprintln(s.out, "the log has no checkpoints: records cut from its end, and a log that was computed anew, do not show")
		return nil
	}
	fmt.Fprintf(s.out, "a checkpoint of %s commits to the first %d records, and they are those\n", plain(report.Origin), report.Committed)
	if report.Older > 0 {
		fmt.Fprintf(s.out, "the log goes on from all %d checkpoints that were kept elsewhere\n", report.Older)
	}
	if !report.Trusted {
		fmt.Fprintln(s.out, "the key was taken from the log itself: give --key, or a checkpoint that was kept elsewhere, to notice a log that was replaced as a whole")
	}
	return nil
}

// keyText gives a public key, which may stand in a file.
func keyText(key string) (string, error) {
	if key == "" || strings.Contains(key, "+") {
		return key, nil
	}
	text, err := os.ReadFile(key)
	return strings.TrimSpace(string(text)), err
}

// askWitness gets the last checkpoint of a log from a witness.
func askWitness(ctx context.Context, dir, key, witness string) ([]byte, error) {
	if key == "" {
		text, err := os.ReadFile(dir + "/" + audit.PublicFile)
		if err != nil {
			return nil, err
		}
		key = string(text)
	}
	verifier, err := merkle.NewVerifier(key)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(witness, "/")+"/checkpoint?origin="+url.QueryEscape(verifier.Name()), nil)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("it has no checkpoint of %s (status %d)", plain(verifier.Name()), answer.StatusCode)
	}
	return io.ReadAll(io.LimitReader(answer.Body, 64<<10))
}

type auditProveCmd struct {
	ID        string `arg:"" help:"The number of a record, or a request id: the outcome of that request."`
	Directory string `default:"audit" help:"The log's directory." placeholder:"DIR"`
	Out       string `short:"o" help:"File to write; else standard output." placeholder:"FILE"`
}

func (c *auditProveCmd) Run(s streams) error {
	p, err := audit.Prove(c.Directory, c.ID)
	if err != nil {
		return err
	}
	if c.Out == "" {
		_, err = s.out.Write(p.Format())
		return err
	}
	return os.WriteFile(c.Out, p.Format(), 0o600)
}

type auditCheckProofCmd struct {
	File    string   `arg:"" help:"The proof; - is standard input."`
	Key     string   `required:"" help:"Public key of the log's checkpoints, or a file that has it." placeholder:"KEY"`
	Witness []string `help:"Public key of a witness that must have cosigned, or a file that has it." placeholder:"KEY"`
}

func (c *auditCheckProofCmd) Run(s streams) error {
	text, err := readText(c.File)
	if err != nil {
		return err
	}
	p, err := merkle.ParseProof([]byte(text))
	if err != nil {
		return err
	}
	verifier, err := verifierOf(c.Key)
	if err != nil {
		return err
	}
	if p.Record == nil {
		return errors.New("the proof holds no record")
	}
	checkpoint, err := p.Check(p.Record, verifier)
	if err != nil {
		return err
	}
	for _, key := range c.Witness {
		witness, err := verifierOf(key)
		if err != nil {
			return err
		}
		at, ok := merkle.CosignedAt(p.Checkpoint, witness)
		if !ok {
			return fmt.Errorf("the witness %s has not cosigned the checkpoint", plain(witness.Name()))
		}
		fmt.Fprintf(s.out, "cosigned by %s at %s\n", plain(witness.Name()), moment(at))
	}
	fmt.Fprintf(s.out, "record %d of the %d of %s is\n%s\n", p.Index+1, checkpoint.Size, plain(checkpoint.Origin), p.Record)
	return nil
}

func verifierOf(key string) (note.Verifier, error) {
	text, err := keyText(key)
	if err != nil {
		return nil, err
	}
	return merkle.NewVerifier(text)
}
