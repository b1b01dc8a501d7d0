module bench-channel

go 1.19
