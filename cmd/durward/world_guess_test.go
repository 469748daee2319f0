// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"durward/authn"
)

func init() {
	commands["guess"] = (*world).cmdGuess
	commands["alike"] = (*world).cmdAlike
	commands["stray-key"] = (*world).cmdStrayKey
	commands["logged"] = (*world).cmdLogged
	polled["logged"] = (*world).cmdLogged
}

// cmdLogged: "logged" gives what the gateway of this process has logged.
func (w *world) cmdLogged(ts *testscript.TestScript, args []string) error {
	if len(args) != 0 {
		return errors.New("usage: logged")
	}
	log, err := os.ReadFile(filepath.Join(w.dir, "gateway.log"))
	if err == nil {
		_, err = w.stdout(ts).Write(log)
	}
	return err
}

// cmdStrayKey: "stray-key VARIABLE" makes a key that looks right and is in no
// store.
func (w *world) cmdStrayKey(ts *testscript.TestScript, args []string) error {
	if len(args) != 1 {
		return errors.New("usage: stray-key VARIABLE")
	}
	text, err := strayKey()
	ts.Setenv(args[0], text)
	return err
}

// strayKey makes a key of a store that there is not.
func strayKey() (string, error) {
	text, _, _, err := authn.MintKey(make([]byte, 32), "live")
	return text, err
}

// cmdGuess: "guess secrets|ids COUNT FROM [KEY]" asks for /me with COUNT keys that
// look right and are none: ever other secrets of KEY's id, or ever other ids.
// FROM is the client's address, with %d for the number of the guess. It gives the
// answers' statuses, each with how many there were in a row.
func (w *world) cmdGuess(ts *testscript.TestScript, args []string) error {
	secrets := len(args) == 4 && args[0] == "secrets"
	if !secrets && (len(args) != 3 || args[0] != "ids") {
		return errors.New("usage: guess secrets COUNT FROM KEY | ids COUNT FROM")
	}
	count, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	client := (&requestOptions{}).client()
	defer client.CloseIdleConnections()
	last, row := 0, 0 // the status, and how many had it in a row
	for n := range count {
		text, err := strayKey()
		if err != nil {
			return err
		}
		if secrets {
			const id = len("dw_live_") + 12
			text = sealKey(args[3][:id] + text[id:len(text)-6])
		}
		from := strings.ReplaceAll(args[2], "%d", strconv.Itoa(n))
		status, _, err := ask(client, "http://"+ts.Getenv("GATEWAY")+"/me", "X-API-Key: "+text, "X-Forwarded-For: "+from)
		if err != nil {
			return err
		}
		if status != last && row > 0 {
			fmt.Fprintf(w.stdout(ts), "%d %d\n", row, last)
			row = 0
		}
		last, row = status, row+1
	}
	fmt.Fprintf(w.stdout(ts), "%d %d\n", row, last)
	return nil
}

// ask sends one request, and gives the answer as it came but for what differs
// between any two: the date and the request's id. How long to wait is told apart
// only by whether it is said.
func ask(client *http.Client, url string, fields ...string) (status int, answer string, err error) {
	req, err := http.NewRequest("GET", url, nil)
	if err != nil {
		return 0, "", err
	}
	for _, f := range fields {
		if name, value, _ := strings.Cut(f, ":"); f != "" {
			req.Header.Add(name, strings.TrimSpace(value))
		}
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n", resp.Proto, resp.Status)
	writeFields(&b, "", resp.Header)
	fmt.Fprintf(&b, "\n%s\n", body)
	return resp.StatusCode, own.ReplaceAllString(b.String(), "${1}-"), nil
}

var own = regexp.MustCompile(`(?m)(^Date: |^Retry-After: |^X-Request-Id: |"request_id":")[^"\n]+`)

// cmdAlike: "alike STATUS PATH FIELD..." sends one request for each field line,
// "" for one without, and checks that all answers have that status and are the
// same to the byte, but for what ask leaves out. It gives that answer. "-from
// ADDRESS", with %d for the number of the request, is the client's address.
func (w *world) cmdAlike(ts *testscript.TestScript, args []string) error {
	o, args, err := options(args)
	if err != nil {
		return err
	}
	if len(args) < 4 {
		return errors.New("usage: alike [-from ADDRESS] STATUS PATH FIELD FIELD...")
	}
	client := (&requestOptions{}).client()
	defer client.CloseIdleConnections()
	first := ""
	for n, field := range args[2:] {
		from := ""
		if o["from"] != "" {
			from = "X-Forwarded-For: " + strings.ReplaceAll(o["from"], "%d", strconv.Itoa(n))
		}
		status, answer, err := ask(client, "http://"+ts.Getenv("GATEWAY")+args[1], field, from)
		if err != nil {
			return err
		}
		if strconv.Itoa(status) != args[0] {
			return fmt.Errorf("request %d: got %d, want %s: %s", n+1, status, args[0], answer)
		}
		if first == "" {
			first = answer
		} else if answer != first {
			return fmt.Errorf("request %d is answered with\n%s\nand the first with\n%s", n+1, answer, first)
		}
	}
	fmt.Fprint(w.stdout(ts), first)
	return nil
}
