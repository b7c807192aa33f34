// Command pstest is the Pub/Sub server that Google tests its own Go client with, on a port.
//
// It has a clock of its own, which a test moves: each line of standard input is a number of
// seconds to be passed, and is answered with a line once they have. It ends with its input.
package main

import (
	"bufio"
	"fmt"
	"log"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"cloud.google.com/go/pubsub/v2/pstest"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: pstest HOST:PORT")
	}
	var passed atomic.Int64
	server := pstest.NewServerWithAddress(os.Args[1])
	server.SetTimeNowFunc(func() time.Time { return time.Now().Add(time.Duration(passed.Load())) })
	fmt.Println(server.Addr)
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		seconds, err := strconv.ParseFloat(lines.Text(), 64)
		if err != nil {
			log.Fatal(err)
		}
		passed.Add(int64(seconds * float64(time.Second)))
		fmt.Println(lines.Text())
	}
}
