"""What layers print, by the call that makes them; norms without what they say of their bias."""

from __future__ import annotations

LAYERS = {
    "Linear(2, 3)": "Linear(in_features=2, out_features=3, bias=True)",
    "Linear(2, 3, bias=False)": "Linear(in_features=2, out_features=3, bias=False)",
    "Bilinear(2, 3, 4)": "Bilinear(in1_features=2, in2_features=3, out_features=4, bias=True)",
    "Identity()": "Identity()",
    "Conv1d(2, 4, 3)": "Conv1d(2, 4, kernel_size=(3,), stride=(1,))",
    "Conv2d(1, 6, 5)": "Conv2d(1, 6, kernel_size=(5, 5), stride=(1, 1))",
    "Conv2d(4, 6, (3, 5), stride=(2, 1), padding=1, dilation=2, groups=2, bias=False)": (
        "Conv2d(4, 6, kernel_size=(3, 5), stride=(2, 1), padding=(1, 1), dilation=(2, 2), groups=2, bias=False)"
    ),
    "Conv2d(4, 6, 3, padding='same')": "Conv2d(4, 6, kernel_size=(3, 3), stride=(1, 1), padding=same)",
    "Conv2d(4, 6, 3, padding_mode='circular', padding=1)": (
        "Conv2d(4, 6, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1), padding_mode=circular)"
    ),
    "Conv3d(1, 2, 3)": "Conv3d(1, 2, kernel_size=(3, 3, 3), stride=(1, 1, 1))",
    "ConvTranspose2d(2, 4, 3, stride=2, padding=1, output_padding=1)": (
        "ConvTranspose2d(2, 4, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1), output_padding=(1, 1))"
    ),
    "MaxPool1d(2)": "MaxPool1d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)",
    "MaxPool2d(2, 2)": "MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)",
    "MaxPool2d(3, stride=2, padding=1, ceil_mode=True)": (
        "MaxPool2d(kernel_size=3, stride=2, padding=1, dilation=1, ceil_mode=True)"
    ),
    "AvgPool2d(3)": "AvgPool2d(kernel_size=3, stride=3, padding=0)",
    "AdaptiveAvgPool2d((1, 1))": "AdaptiveAvgPool2d(output_size=(1, 1))",
    "AdaptiveMaxPool2d(7)": "AdaptiveMaxPool2d(output_size=7)",
    "BatchNorm2d(3)": "BatchNorm2d(3, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)",
    "GroupNorm(2, 4)": "GroupNorm(2, 4, eps=1e-05, affine=True)",
    "LayerNorm(5)": "LayerNorm((5,), eps=1e-05, elementwise_affine=True)",
    "LayerNorm((2, 3), elementwise_affine=False)": "LayerNorm((2, 3), eps=1e-05, elementwise_affine=False)",
    "InstanceNorm2d(3)": "InstanceNorm2d(3, eps=1e-05, momentum=0.1, affine=False, track_running_stats=False)",
    "Dropout(0.25)": "Dropout(p=0.25, inplace=False)",
    "Dropout2d()": "Dropout2d(p=0.5, inplace=False)",
    "ReLU()": "ReLU()",
    "ReLU(inplace=True)": "ReLU(inplace=True)",
    "ReLU6()": "ReLU6()",
    "LeakyReLU(0.2)": "LeakyReLU(negative_slope=0.2)",
    "PReLU()": "PReLU(num_parameters=1)",
    "ELU(0.5)": "ELU(alpha=0.5)",
    "SELU()": "SELU()",
    "GELU()": "GELU(approximate='none')",
    "Sigmoid()": "Sigmoid()",
    "Tanh()": "Tanh()",
    "Hardtanh()": "Hardtanh(min_val=-1.0, max_val=1.0)",
    "Softmax(dim=1)": "Softmax(dim=1)",
    "LogSoftmax(dim=-1)": "LogSoftmax(dim=-1)",
    "Threshold(0.1, 20)": "Threshold(threshold=0.1, value=20)",
    "Embedding(10, 3)": "Embedding(10, 3)",
    "Embedding(10, 3, padding_idx=0)": "Embedding(10, 3, padding_idx=0)",
    "LSTM(2, 3)": "LSTM(2, 3)",
    "LSTM(2, 3, num_layers=2, bidirectional=True, batch_first=True)": (
        "LSTM(2, 3, num_layers=2, batch_first=True, bidirectional=True)"
    ),
    "GRU(2, 3, dropout=0.5, num_layers=2)": "GRU(2, 3, num_layers=2, dropout=0.5)",
    "RNN(2, 3)": "RNN(2, 3)",
    "LSTMCell(2, 3)": "LSTMCell(2, 3)",
    "Flatten()": "Flatten(start_dim=1, end_dim=-1)",
    "Unflatten(1, (2, 3))": "Unflatten(dim=1, unflattened_size=(2, 3))",
    "PixelShuffle(2)": "PixelShuffle(upscale_factor=2)",
    "ZeroPad2d(1)": "ZeroPad2d((1, 1, 1, 1))",
    "ConstantPad1d((1, 2), 0.5)": "ConstantPad1d(padding=(1, 2), value=0.5)",
    "CrossEntropyLoss()": "CrossEntropyLoss()",
    "MSELoss()": "MSELoss()",
    "CosineSimilarity(dim=1)": "CosineSimilarity()",
}
