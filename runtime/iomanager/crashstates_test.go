package iomanager

import (
	"bytes"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/storage"
)

// A crash after any of the changes that storing a few outputs makes may leave what was synced, and any part of the rest: bytes that were not synced are there, half there
// or gone, and names that their folder was not synced for are there or not. In each of these states every output whose record was committed is whole, and storing all of them
// again works.
func TestCrashStates(t *testing.T) {
	h := newHome(t, t.TempDir())
	var ops []fileOp
	committed := map[int]int{} // outputs that had a record once so many changes were made
	files, err := h.io.files()
	require.NoError(t, err)
	files.trace = func(op fileOp) { ops = append(ops, op) }
	var outs []storage.Output
	values := [][]byte{noise(storage.MaxInline + 1), noise(2 * storage.MaxInline), noise(3*storage.MaxInline + 5)}
	for i, v := range values {
		staged, err := h.io.Stage(t.Context(), bytesType, v)
		require.NoError(t, err)
		outs = append(outs, staged.Output)
		committed[len(ops)] = i + 1
	}
	require.Greater(t, len(ops), 12)

	states := 0
	seen := map[string]bool{}
	durable := 0
	for n := range len(ops) + 1 {
		durable = max(durable, committed[n])
		eachState(ops[:n], func(tree map[string][]byte) {
			states++
			for i := range durable {
				name := objectOf(&outs[i])
				stored, there := tree[name]
				require.True(t, there, "after change %d: the record of output %d is durable, and %s is not there", n, i, name)
				whole, err := h.root.ReadFile(name)
				require.NoError(t, err)
				require.True(t, bytes.Equal(whole, stored), "after change %d: the record of output %d is durable, and %s is not whole", n, i, name)
			}
			if key := fingerprint(tree); !seen[key] {
				seen[key] = true
				restore(t, tree, values)
			}
		})
	}
	t.Logf("%d changes, %d states, %d of them different", len(ops), states, len(seen))
	require.Greater(t, states, len(ops)+1, "nothing was ever uncertain")
	require.Len(t, seen, len(values)+1, "what is synced before it has its name leaves no other states than that it is there or not")
}

// restore stores all values again over what a crash has left.
func restore(t *testing.T, tree map[string][]byte, values [][]byte) {
	dir := t.TempDir()
	for name, data := range tree {
		full := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(full), 0o700))
		require.NoError(t, os.WriteFile(full, data, 0o400))
	}
	h := newHome(t, dir)
	for _, v := range values {
		staged, err := h.io.Stage(t.Context(), bytesType, v)
		require.NoError(t, err)
		got, err := h.again(t).io.Load(t.Context(), &staged.Output, bytesType)
		require.NoError(t, err)
		require.Equal(t, v, got)
	}
}

func fingerprint(tree map[string][]byte) string {
	var parts []string
	for name, data := range tree {
		parts = append(parts, name, string(data[:min(len(data), 8)]), string(rune(len(data))))
	}
	slices.Sort(parts)
	return strings.Join(parts, "\x00")
}

// An entry is a name in a folder; an inode is what it leads to.
type (
	entry struct {
		node    *inode // nil for a folder
		durable bool
	}
	inode struct {
		data   []byte
		synced bool
	}
)

// eachState calls do for each state that a crash after these changes may leave, as files by their names.
func eachState(ops []fileOp, do func(tree map[string][]byte)) {
	entries := map[string]*entry{}
	for _, op := range ops {
		switch op.kind {
		case opCreate:
			entries[op.name] = &entry{node: &inode{synced: true}} // an empty file is all there is of it
		case opWrite:
			if entries[op.name] == nil { // it was not made by create
				entries[op.name] = &entry{node: &inode{}}
			}
			entries[op.name].node.data, entries[op.name].node.synced = op.data, false
		case opSync:
			entries[op.name].node.synced = true
		case opRename:
			if op.name != op.to {
				entries[op.to] = &entry{node: entries[op.name].node}
				delete(entries, op.name)
			}
		case opMkdir:
			if entries[op.name] == nil {
				entries[op.name] = &entry{}
			}
		case opSyncDir:
			for name, e := range entries {
				if path.Dir(name) == op.name {
					e.durable = true
				}
			}
		}
	}
	var open []func(choice int) // what is not certain; each has three choices
	kept := map[string]bool{}
	content := map[*inode][]byte{}
	var names []string
	for name := range entries {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		e := entries[name]
		if kept[name] = e.durable; !e.durable && strings.HasPrefix(name, objects) {
			open = append(open, func(choice int) { kept[name] = choice > 0 })
		}
		if e.node == nil {
			continue
		}
		if content[e.node] = e.node.data; !e.node.synced {
			open = append(open, func(choice int) { content[e.node] = e.node.data[:len(e.node.data)*choice/2] })
		}
	}
	var walk func(i int)
	walk = func(i int) {
		if i < len(open) {
			for choice := range 3 {
				open[i](choice)
				walk(i + 1)
			}
			return
		}
		tree := map[string][]byte{}
		for _, name := range names {
			e := entries[name]
			there := e.node != nil && strings.HasPrefix(name, objects)
			for at := name; there && at != "."; at = path.Dir(at) {
				// The folder of all objects is made, durably, before the first of them.
				there = kept[at] || entries[at] == nil
			}
			if there {
				tree[name] = content[e.node]
			}
		}
		do(tree)
	}
	walk(0)
}
