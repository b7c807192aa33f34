//go:build tools

// Package tools holds the versions of the test servers that others wrote; scripts/build_tools.py
// builds them.
package tools

import _ "github.com/fsouza/fake-gcs-server"
