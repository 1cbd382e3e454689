"""Recurrent networks, which read an image row by row."""

import torch
import torch.nn as nn


class RowLSTM(nn.Module):
    def __init__(self, hidden=16):
        super().__init__()
        self.rnn = nn.LSTM(input_size=28, hidden_size=hidden, num_layers=1, batch_first=True)
        self.out = nn.Linear(hidden, 10)

    def forward(self, x):
        r_out, _ = self.rnn(x.view(-1, 28, 28), None)
        return self.out(r_out[:, -1, :])


class RowGRU(nn.Module):
    def __init__(self, hidden=12):
        super().__init__()
        self.hidden = hidden
        self.gru = nn.GRU(28, hidden, batch_first=True, bidirectional=True)
        self.fc = nn.Linear(2 * hidden, 10)

    def forward(self, x):
        h0 = torch.zeros(2, x.size(0), self.hidden, device=x.device, dtype=x.dtype)
        out, _ = self.gru(x[:, 0], h0)
        return self.fc(out.mean(1))


class OwnCell(nn.Module):
    """A loop over rows, written by hand."""

    def __init__(self, hidden=12):
        super().__init__()
        self.ih = nn.Linear(4 * 28, hidden)
        self.hh = nn.Linear(hidden, hidden, bias=False)
        self.out = nn.Linear(hidden, 10)
        self.start = nn.Parameter(torch.zeros(hidden))

    def forward(self, x):
        rows = x.reshape(x.shape[0], 7, 4 * 28)
        h = self.start
        for t in range(rows.shape[1]):
            h = torch.tanh(self.ih(rows[:, t]) + self.hh(h))
        return self.out(h)
