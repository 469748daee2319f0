// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"time"

	"durward"
)

// What stage_times may be.
const (
	// StagesAll records how long each stage took.
	StagesAll = "all"
	// StagesSlow records those of at least slowStage only.
	StagesSlow = "slow"
	// StagesOff records none.
	StagesOff = "off"
)

const (
	slowStage  = time.Millisecond
	maxObjects = 8  // path parameters
	maxStages  = 48 // names of stages; there are fewer
)

func appendTrace(b []byte, id *durward.TraceID) []byte {
	if *id == (durward.TraceID{}) {
		return b
	}
	b = append(b, `,"trace_id":"`...)
	return append(hex.AppendEncode(b, id[:]), '"')
}

// appendObject appends the path parameters as the members of one object.
func appendObject(b []byte, params []durward.Param) []byte {
	if len(params) == 0 {
		return b
	}
	b = append(b, `,"object":{`...)
	for i := range params[:min(len(params), maxObjects)] {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(b, "", params[i].Name, maxName)
		if params[i].Value == "" {
			b = append(b, `:""`...)
			continue
		}
		b = appendText(b, ":", params[i].Value, maxName)
	}
	return append(b, '}')
}

// appendStages appends how long each stage took, in microseconds.
func appendStages(b []byte, stages []durward.StageTime) []byte {
	if len(stages) == 0 {
		return b
	}
	key := `,"stages":{`
	for i := range stages {
		b = appendText(b, key, stages[i].Stage, maxName)
		b = append(b, ':')
		b = strconv.AppendInt(b, stages[i].Took.Microseconds(), 10)
		key = ","
	}
	return append(b, '}')
}

// stageTimes gives what took how long in the room of into: stages of one name
// are one, at the place of the first of them.
func stageTimes(into []durward.StageTime, x *durward.Exchange, end *End, atLeast time.Duration) []durward.StageTime {
	into = into[:0]
	if end.Routed > 0 {
		into = addStage(into, "route", end.Routed)
	}
	for i := range x.Trail {
		into = addStage(into, x.Trail[i].Stage, x.Trail[i].Took)
	}
	if end.Sent > 0 {
		into = addStage(into, "send", end.Sent)
	}
	if atLeast == 0 {
		return into
	}
	slow := into[:0]
	for _, s := range into {
		if s.Took >= atLeast {
			slow = append(slow, s)
		}
	}
	return slow
}

func addStage(all []durward.StageTime, name string, took time.Duration) []durward.StageTime {
	for i := range all {
		if all[i].Stage == name {
			all[i].Took += took
			return all
		}
	}
	if len(all) == maxStages || name == "" {
		return all
	}
	return append(all, durward.StageTime{Stage: name, Took: took})
}

func appendClock(b []byte, c *durward.Clock) []byte {
	if c.State == "" {
		return b
	}
	b = append(b, `,"clock":{"source":"system","state":"`...)
	b = append(append(b, c.State...), '"') // one of our own constants
	return append(appendNumber(b, `,"error_us":`, c.Error.Microseconds()), '}')
}

// appendAdmin appends what an action on the gateway itself was.
func appendAdmin(b []byte, a *durward.AdminAction) []byte {
	b = append(b, `,"actor":{"uid":`...)
	b = strconv.AppendInt(b, int64(a.Actor.UID), 10)
	b = appendText(b, `,"user":`, a.Actor.User, maxName)
	b = appendText(b, `,"login":`, a.Actor.Login, maxName)
	b = appendText(b, `,"host":`, a.Actor.Host, maxName)
	b = appendNumber(b, `,"pid":`, int64(a.Actor.PID))
	b = appendText(b, `,"command":`, a.Actor.Command, maxName)
	b = append(b, '}')
	b = appendText(b, `,"action":`, a.Action, maxName)
	b = appendText(b, `,"action_id":`, a.ID, maxName)
	key := `,"targets":[`
	for _, t := range a.Targets[:min(len(a.Targets), durward.MaxTargets)] {
		b = appendText(b, key, t, maxReason)
		key = ","
	}
	if key == "," {
		b = append(b, ']')
	}
	b = appendNumber(b, `,"count":`, int64(a.Count))
	key = `,"changes":[{"field":`
	for i := range a.Changes[:min(len(a.Changes), durward.MaxTargets)] {
		c := &a.Changes[i]
		b = appendText(b, key, c.Field, maxName)
		b = appendText(b, `,"before":`, c.Before, maxReason)
		b = appendText(b, `,"after":`, c.After, maxReason)
		b = append(b, '}')
		key = `,{"field":`
	}
	if len(a.Changes) > 0 {
		b = append(b, ']')
	}
	key = `,"sealed_texts":[{"tag":`
	for i := range a.Sealed {
		t := &a.Sealed[i]
		b = appendText(b, key, t.Tag, maxName)
		b = appendText(b, `,"at":`, t.At, maxName)
		b = appendText(b, `,"sealed":`, t.Sealed, maxPath)
		b = append(b, '}')
		key = `,{"tag":`
	}
	if len(a.Sealed) > 0 {
		b = append(b, ']')
	}
	return b
}

// jsonParams are the members of an object, in their order.
type jsonParams []durward.Param

func (p *jsonParams) UnmarshalJSON(text []byte) error {
	return members(text, func(dec *json.Decoder, name string) error {
		var value string
		err := dec.Decode(&value)
		*p = append(*p, durward.Param{Name: name, Value: value})
		return err
	})
}

type jsonStages []durward.StageTime

func (s *jsonStages) UnmarshalJSON(text []byte) error {
	return members(text, func(dec *json.Decoder, name string) error {
		var us int64
		err := dec.Decode(&us)
		*s = append(*s, durward.StageTime{Stage: name, Took: micros(us)})
		return err
	})
}

// members calls each for every member of an object, which reads its value.
func members(text []byte, each func(dec *json.Decoder, name string) error) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return errLineShape
	}
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return err
		}
		name, _ := t.(string)
		if err := each(dec, name); err != nil {
			return err
		}
	}
	return nil
}

type jsonClock struct {
	State   string `json:"state"`
	ErrorUS int64  `json:"error_us"`
}
