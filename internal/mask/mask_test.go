package mask

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestHide(t *testing.T) {
	for _, s := range []string{"abc", "", "***"} {
		Add(s)
	}
	assert.Equal(t, "abc of ***", Hide("abc of ***"), "too short to be hidden")
	const secret = `hunter2 & "friends" ü`
	Add("hunter2")
	Add(secret)
	js, err := json.Marshal(secret)
	require.NoError(t, err)
	for _, text := range []string{secret, fmt.Sprintf("%q", secret), string(js), url.QueryEscape(secret), url.PathEscape(secret), url.UserPassword("joe", secret).String()} {
		assert.NotContains(t, Hide("before "+text+" behind"), "hunter2")
		assert.Contains(t, Hide("before "+text+" behind"), "before ")
		assert.NotContains(t, Hide(text), "friends", "the longer one is hidden whole")
	}
	assert.Equal(t, "password ***!", Hide("password hunter2!"))
	assert.True(t, Active())
}

func TestJSON(t *testing.T) {
	Add("12345678")
	Add("s3cret")
	for text, want := range map[string]string{
		`{"a": "x s3cret", "s3cret": [1.50, true, null, "s3cret"]}`: `{"***":[1.50,true,null,"***"],"a":"x ***"}`,
		`12345678`:                    `"***"`,
		`[123456789]`:                 `["***9"]`,
		`{"n": 10000000000000000001}`: `{"n": 10000000000000000001}`,
		`s3cret {`:                    `"*** {"`,
	} {
		got := string(JSON([]byte(text)))
		assert.Equal(t, want, got)
		assert.True(t, json.Valid([]byte(got)))
	}
}

func TestError(t *testing.T) {
	Add("s3cret")
	plain := errors.New("plain")
	assert.Same(t, plain, Error(plain), "nothing to hide")
	assert.NoError(t, Error(nil))
	err := Error(&fs.PathError{Op: "open", Path: "/s3cret", Err: fs.ErrNotExist})
	assert.EqualError(t, err, "open /***: file does not exist")
	assert.ErrorIs(t, err, fs.ErrNotExist)
	var path *fs.PathError
	assert.ErrorAs(t, err, &path)
	assert.Equal(t, "open /***: file does not exist", fmt.Sprintf("%+v", err))
	assert.EqualError(t, Error(angry{}), "mask.angry: its Error method panics")
}

type angry struct{}

func (angry) Error() string { panic("no") }

func TestWatch(t *testing.T) {
	Add("known before")
	var told []string
	Watch(func(secret string) {
		told = append(told, secret)
		assert.Equal(t, "***", Hide(secret), "who is told may ask")
	})
	defer Watch(func(string) {})
	assert.Contains(t, told, "known before")
	told = nil
	Add("known later")
	Add("known later")
	Add("abc")
	assert.Equal(t, []string{"known later"}, told)
	Add("known before")
	assert.Equal(t, []string{"known later", "known before"}, told, "it is the newest again")
}

func TestMemoryIsBounded(t *testing.T) {
	for i := range 3 * most {
		Add(fmt.Sprintf("secret number %d.", i))
		if i%100 == 0 {
			Add("the one that is used")
		}
	}
	assert.LessOrEqual(t, len(known.values), most)
	assert.Equal(t, "***", Hide("the one that is used"), "adding again renews")
	assert.Equal(t, "***", Hide(fmt.Sprintf("secret number %d.", 3*most-1)))
}

func FuzzHide(f *testing.F) {
	f.Add("s3cret", `{"a":"s3cret"}`)
	f.Add("100%", "100%25")
	f.Add(`"\`, `\"\\`)
	f.Fuzz(func(t *testing.T, secret, text string) {
		known.Lock()
		known.values = nil
		known.replacer.Store(nil)
		known.Unlock()
		Add(secret)
		for _, in := range []string{text, secret, text + secret + text} {
			out := Hide(in)
			if len(secret) >= shortest && !strings.Contains(Text+Text, secret) && !strings.Contains(secret, "*") {
				require.NotContains(t, out, secret)
			}
			if json.Valid([]byte(in)) {
				require.True(t, json.Valid(JSON([]byte(in))))
			}
		}
	})
}
